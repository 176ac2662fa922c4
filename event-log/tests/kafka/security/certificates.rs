//! Certificates for one run of the tests, made by OpenSSL.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// What the authorities say of whom. Its own file: what the system's says differs from one machine to another.
const EXTENSIONS: &str = "\
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
[broker]
subjectAltName = IP:127.0.0.1,DNS:localhost
[elsewhere]
subjectAltName = DNS:kafka.example
[client]
extendedKeyUsage = clientAuth
";

/// An authority that brokers and clients trust, one that nobody does, and what the first has signed.
#[derive(Debug)]
pub(super) struct Certificates {
    dir: PathBuf,
}

impl Certificates {
    /// Made anew in `dir`; the client's key is locked by `key_password`.
    ///
    /// # Errors
    /// What is missing on this machine.
    pub(super) fn make(dir: &Path, key_password: &str) -> Result<Self, String> {
        Command::new("openssl").arg("version").output().map_err(|error| format!("openssl is missing ({error}): install openssl"))?;
        fs::create_dir_all(dir).unwrap();
        fs::write(dir.join("extensions.cnf"), EXTENSIONS).unwrap();
        let made = Self { dir: dir.to_owned() };
        for authority in ["authority", "stranger"] {
            let (key, pem) = (format!("{authority}.key"), format!("{authority}.pem"));
            made.request(authority, &["-x509", "-days", "2", "-extensions", "authority", "-keyout", &key, "-out", &pem]);
        }
        for who in ["broker", "elsewhere", "client"] {
            let (key, asked, pem) = (format!("{who}.key"), format!("{who}.csr"), format!("{who}.pem"));
            made.request(who, &["-keyout", &key, "-out", &asked]);
            let sign = ["x509", "-req", "-days", "2", "-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial"];
            made.openssl(&[&sign[..], &["-extfile", "extensions.cnf", "-extensions", who, "-in", &asked, "-out", &pem]].concat());
            let both = [fs::read(made.file(&key)).unwrap(), fs::read(made.file(&pem)).unwrap()].concat();
            fs::write(made.file(&format!("{who}.keystore")), both).unwrap();
        }
        let locked = ["-passout", &format!("pass:{key_password}"), "-out", "client.locked"];
        made.openssl(&[&["pkcs8", "-topk8", "-in", "client.key"][..], &locked[..]].concat());
        Ok(made)
    }

    /// `NAME.pem` is a certificate, `NAME.key` its key, `NAME.keystore` both; `client.locked` the client's key behind its
    /// password.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn request(&self, name: &str, more: &[&str]) {
        let (new, subject) = (["req", "-new", "-config", "extensions.cnf", "-nodes"], format!("/CN={name}"));
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", &subject];
        self.openssl(&[&new[..], &key[..], more].concat());
    }

    fn openssl(&self, arguments: &[&str]) {
        let done = Command::new("openssl").args(arguments).current_dir(&self.dir).output().unwrap();
        assert!(done.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    }
}
