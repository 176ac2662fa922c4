//! TLS and SASL: who has the right files and the right password gets in, who hasn't is told what to mend, and no
//! secret is shown by anything.
//!
//! The broker has three listeners for this: SASL_SSL takes passwords, SSL wants a certificate of the client, and
//! STRAY shows a certificate for another host.

mod certificates;
mod lines;

use std::{fs, sync::Arc};

use event_log::{
    AppendError, Appended, Committed, Elapsed, EventLog, Jobs, LogError, Offset,
    kafka::{Compression, SaslMechanism, Security},
    suite::broker::{self, Options},
};

use self::certificates::Certificates;
use super::*;

const USER: &str = "icarus";
const PASSWORD: &str = "open-sesame-7f3a";
const WRONG: &str = "open-barley-19bc";
const KEY_PASSWORD: &str = "forty-thieves-55d0";
const SECRETS: [&str; 3] = [PASSWORD, WRONG, KEY_PASSWORD];
/// What is logged when brokers don't let a client in.
const REFUSED: &str = "the brokers refuse us";
const WORDS: &[&str] = &[PASSWORD, WRONG, KEY_PASSWORD, REFUSED];
/// How long the brokers may take to answer, and how much later a test may hear it: the client library looks for
/// records whose time is over once a second, and machines are busy.
const REQUEST: Duration = Duration::from_secs(5);
const MARGIN: Duration = Duration::from_secs(4);

/// A broker whose listeners want something, and the files that they want.
struct Secured {
    broker: Broker,
    files: Certificates,
    sasl: u16,
    mutual: u16,
    stray: u16,
}

static SECURED: OnceLock<Result<Secured, String>> = OnceLock::new();

/// The broker that these tests share; `None` where there can't be one, which is told once.
fn secured() -> Option<&'static Secured> {
    let listening = || {
        lines::listen(WORDS);
        secure(PASSWORD)
    };
    SECURED.get_or_init(listening).as_ref().map_err(|why| tell(&format!("SKIPPED: all tests of TLS and SASL to Kafka: {why}"))).ok()
}

/// A broker of its own, whose user has `password`.
fn secure(password: &str) -> Result<Secured, String> {
    let dir = tempfile::tempdir().unwrap().keep();
    let files = Certificates::make(&dir.join("tls"), KEY_PASSWORD).inspect_err(|_| fs::remove_dir_all(&dir).unwrap())?;
    let [port, controller, sasl, mutual, stray] = broker::free_ports();
    let file = |name| files.file(name).display().to_string();
    let (keys, elsewhere, authority) = (file("broker.keystore"), file("elsewhere.keystore"), file("authority.pem"));
    let modules = "org.apache.kafka.common.security";
    let properties = format!(
        "listeners=PLAINTEXT://127.0.0.1:{port},SASL_SSL://127.0.0.1:{sasl},SSL://127.0.0.1:{mutual},\
         STRAY://127.0.0.1:{stray},CONTROLLER://127.0.0.1:{controller}\n\
         listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL,STRAY:SSL,CONTROLLER:PLAINTEXT\n\
         ssl.keystore.type=PEM\n\
         ssl.keystore.location={keys}\n\
         ssl.truststore.type=PEM\n\
         ssl.truststore.location={authority}\n\
         listener.name.ssl.ssl.client.auth=required\n\
         listener.name.stray.ssl.keystore.type=PEM\n\
         listener.name.stray.ssl.keystore.location={elsewhere}\n\
         sasl.enabled.mechanisms=SCRAM-SHA-512,PLAIN\n\
         listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config={modules}.scram.ScramLoginModule required;\n\
         listener.name.sasl_ssl.plain.sasl.jaas.config={modules}.plain.PlainLoginModule required user_{USER}=\"{password}\";\n"
    );
    let format = vec!["--add-scram".to_owned(), format!("SCRAM-SHA-512=[name={USER},password={password}]")];
    let broker = Broker::start_with(&dir, &Options { ports: Some([port, controller]), properties, format })?;
    Ok(Secured { broker, files, sasl, mutual, stray })
}

impl Secured {
    fn config(&self, port: u16, security: Security) -> RawConfig {
        RawConfig {
            security,
            tls_ca_file: Some(self.files.file("authority.pem")),
            request_timeout: REQUEST,
            append_timeout: REQUEST,
            compression: Compression::None,
            ..small(&format!("127.0.0.1:{port}"), 1)
        }
    }

    /// With the password in a file, as an editor leaves it there.
    fn with_password(&self, mechanism: SaslMechanism, password: &str) -> RawConfig {
        let file = self.files.file(&unique("password"));
        fs::write(&file, format!("{password}\n")).unwrap();
        RawConfig {
            sasl_mechanism: mechanism,
            sasl_username: Some(USER.to_owned()),
            sasl_password_file: Some(file),
            ..self.config(self.sasl, Security::SaslSsl)
        }
    }

    fn with_certificate(&self) -> RawConfig {
        RawConfig {
            tls_certificate_file: Some(self.files.file("client.pem")),
            tls_key_file: Some(self.files.file("client.locked")),
            tls_key_password: Some(KEY_PASSWORD.into()),
            ..self.config(self.mutual, Security::Ssl)
        }
    }
}

/// Nothing shows a secret: neither these texts, nor what was logged up to now.
fn shows_no_secret(texts: &[String]) {
    for secret in SECRETS {
        assert!(!texts.iter().any(|text| text.contains(secret)), "{texts:?}");
        assert_eq!(lines::with(secret), [""; 0]);
    }
}

/// Makes the topic, appends to it, and reads it as a group.
async fn works(raw: &RawConfig) {
    let log = Arc::new(made(raw).await);
    assert_eq!(log.append(Partition(0), "a record".into()).await.unwrap(), Appended::At(Offset(0)));
    let edge: Arc<dyn EventLog> = Arc::clone(&log) as _;
    let mut reader = Member::join(&edge, &unique("group")).await;
    until(&mut [&mut reader], "the partition", |members| members[0].assigned.len() == 1).await;
    reader.consumer.seek(Partition(0), Offset(0)).await.unwrap();
    let (_, records) = within("the record", async {
        loop {
            if let Some(records) = reader.step().await {
                return records;
            }
        }
    })
    .await;
    assert_eq!(records[0].bytes, "a record");
    reader.consumer.commit(&[(Partition(0), Committed { offset: Offset(1), metadata: String::new() })]).await.unwrap();
    assert_eq!(log.failing(), None);
    shows_no_secret(&[format!("{raw:?} {log:?} {:?}", checked(raw))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_from_a_file_lets_a_client_make_the_topic_append_and_read() {
    let Some(secured) = secured() else { return };
    for mechanism in [SaslMechanism::ScramSha512, SaslMechanism::Plain] {
        works(&secured.with_password(mechanism, PASSWORD)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_whose_key_is_behind_a_password_lets_a_client_in() {
    let Some(secured) = secured() else { return };
    works(&secured.with_certificate()).await;
}

/// What `future` fails with, within the request timeout.
async fn refusal<T: std::fmt::Debug, E: std::fmt::Debug>(what: &str, future: impl Future<Output = Result<T, E>>) -> E {
    let late = |_| panic!("{what} took longer than {REQUEST:?}");
    tokio::time::timeout(REQUEST + MARGIN, future).await.unwrap_or_else(late).expect_err(what)
}

/// The text of a refusal that only a person can change.
fn for_a_person(refusal: LogError) -> String {
    match refusal {
        LogError::Mismatch(text) => text,
        other => panic!("it is no use to try again: {other:?}"),
    }
}

/// Whatever is asked, the answer comes in time, is no invitation to try again, and has the remedy.
async fn refused(raw: &RawConfig, remedy: &str) {
    let log = Kafka::connect(checked(raw)).unwrap();
    let mut reader = log.consumer(&unique("group")).await.unwrap();
    let mut worker = log.member("job", Elapsed::new(|| Duration::ZERO)).await.unwrap();
    let shares = async {
        loop {
            worker.changed().await?;
        }
    };
    let (checked, created, extent, appended, polled, joined) = tokio::join!(
        refusal("a check", log.check()),
        refusal("making the topic", log.create_topic()),
        refusal("an extent", log.extent(Partition(0))),
        refusal("an append", log.append(Partition(0), "a record".into())),
        refusal("a poll", reader.poll(PATIENCE)),
        refusal::<(), LogError>("a share", shares),
    );
    let mut texts: Vec<_> = [checked, created, extent, polled, joined].map(for_a_person).into();
    match appended {
        AppendError::Unavailable(text) => texts.push(text),
        other => panic!("{other:?}"),
    }
    texts.push(log.failing().expect("a person has to act"));
    for text in &texts {
        assert!(text.contains(remedy), "{remedy:?} is not in {text:?}");
    }
    assert!(lines::with(REFUSED).iter().any(|line| line.contains(remedy)), "it is logged: {:?}", lines::with(REFUSED));
    texts.push(format!("{log:?}"));
    shows_no_secret(&texts);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_refused_with_the_remedy() {
    let Some(secured) = secured() else { return };
    let remedy = "check security, sasl_mechanism, sasl_username and the password";
    for mechanism in [SaslMechanism::ScramSha512, SaslMechanism::Plain] {
        refused(&secured.with_password(mechanism, WRONG), remedy).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mechanism_that_the_brokers_do_not_have_is_refused_with_those_that_they_have() {
    let Some(secured) = secured() else { return };
    refused(&secured.with_password(SaslMechanism::ScramSha256, PASSWORD), "supported mechanisms: ").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_whose_certificate_is_not_of_our_authority_is_refused_with_the_remedy() {
    let Some(secured) = secured() else { return };
    let stranger = secured.files.file("stranger.pem");
    refused(&RawConfig { tls_ca_file: Some(stranger), ..secured.with_password(SaslMechanism::Plain, PASSWORD) }, "tls_ca_file").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_whose_certificate_names_another_host_is_refused_with_the_remedy() {
    let Some(secured) = secured() else { return };
    refused(&secured.config(secured.stray, Security::Ssl), "name the hosts in brokers").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_without_its_certificate_is_refused_with_the_remedy() {
    let Some(secured) = secured() else { return };
    refused(&secured.config(secured.mutual, Security::Ssl), "tls_certificate_file").await;
}

/// As when an administrator changes a password while we run: nobody has to restart us. After that, a broker that dies
/// in the midst of TLS is just away.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_is_put_right_at_the_brokers_lets_the_log_go_on() {
    if secured().is_none() {
        return;
    }
    let own = secure(PASSWORD).unwrap();
    let log = Kafka::connect(checked(&own.with_password(SaslMechanism::Plain, WRONG))).unwrap();
    refusal("an append", log.append(Partition(0), "a record".into())).await;
    assert!(log.failing().is_some());
    own.broker.kill();
    let file = own.broker.dir().join("server.properties");
    let put_right = fs::read_to_string(&file).unwrap().replace(&format!("user_{USER}=\"{PASSWORD}\""), &format!("user_{USER}=\"{WRONG}\""));
    fs::write(&file, put_right).unwrap();
    own.broker.resume();
    within("the topic", async { while log.create_topic().await.is_err() {} }).await;
    assert_eq!(log.failing(), None, "it is let in, though no record was taken");
    assert_eq!(log.append(Partition(0), "a record".into()).await.unwrap(), Appended::At(Offset(0)));

    own.broker.kill();
    let away = refusal("an append", log.append(Partition(0), "meanwhile".into())).await;
    assert!(matches!(away, AppendError::Unavailable(_)), "{away:?}");
    assert!(matches!(log.extent(Partition(0)).await, Err(LogError::Unavailable { .. })));
    assert_eq!(log.failing(), None, "nobody has to act");
    own.broker.resume();
    within("the broker's return", async { while log.append(Partition(0), "after".into()).await.is_err() {} }).await;
}

/// As by a broker that dies, or a proxy before it that has none.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_cut_in_the_handshake_is_no_refusal() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (cut, cuts) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        // Ends with the test, when nobody counts them any more.
        for mut connection in listener.incoming().map_while(Result::ok) {
            use std::io::Read as _;
            let hello = connection.read(&mut [0; 1_024]);
            drop(connection);
            if cut.send(hello.is_ok_and(|bytes| bytes > 0)).is_err() {
                break;
            }
        }
    });
    let raw = RawConfig { security: Security::Ssl, request_timeout: REQUEST, append_timeout: REQUEST, ..small(&address, 1) };
    let log = Kafka::connect(checked(&raw)).unwrap();
    let mut reader = log.consumer("group").await.unwrap();
    let away = refusal("a check", log.check()).await;
    assert!(matches!(&away, LogError::Unavailable { context, .. } if context.contains("security = SSL")), "{away:?}");
    assert!(matches!(refusal("an append", log.append(Partition(0), "a record".into())).await, AppendError::Unavailable(_)));
    assert!(matches!(reader.poll(Duration::from_millis(100)).await, Ok(Polled::Idle)), "it waits for a broker");
    assert_eq!(log.failing(), None, "nobody has to act");
    assert!(cuts.try_iter().any(|hello| hello), "a handshake was cut");
}
