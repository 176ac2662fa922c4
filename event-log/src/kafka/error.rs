//! What the client library says went wrong, in the log's words.

use std::{
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use rdkafka::{
    client::ClientContext,
    config::RDKafkaLogLevel,
    error::{KafkaError, RDKafkaErrorCode},
};

use crate::error::{AppendError, LogError};

/// Hears what a client's threads say, and keeps what needs a person.
#[derive(Debug, Clone, Default)]
pub(super) struct Ear(Arc<Heard>);

#[derive(Debug, Default)]
struct Heard {
    /// There is something in `failing`; asked for every record.
    any: AtomicBool,
    failing: Mutex<Option<Failure>>,
}

/// What only a person can change.
#[derive(Debug, Clone)]
struct Failure {
    why: String,
    remedy: &'static str,
    /// Whether it is about who we are, or they are: then nothing at all can be asked.
    door: bool,
}

impl Ear {
    /// Why nothing goes on until a person acts.
    pub(super) fn failing(&self) -> Option<String> {
        self.kept().as_ref().map(|failure| failure.why.clone())
    }

    /// A broker took a record.
    pub(super) fn fine(&self) {
        if self.forget(|_| true) {
            tracing::info!("the brokers take records again");
        }
    }

    /// A broker answered: it knows us, and we know it. It may refuse records nevertheless.
    pub(super) fn let_in(&self) {
        if self.forget(|failure| failure.door) {
            tracing::info!("the brokers answer again");
        }
    }

    fn forget(&self, which: impl Fn(&Failure) -> bool) -> bool {
        if !self.0.any.load(Ordering::Relaxed) {
            return false;
        }
        let mut failing = self.kept();
        let forgotten = failing.take_if(|failure| which(failure)).is_some();
        self.0.any.store(failing.is_some(), Ordering::Relaxed);
        forgotten
    }

    /// Keeps `error` if it needs a person; `reason` is what the client library says about it, or nothing.
    pub(super) fn hear(&self, error: &KafkaError, reason: &str) {
        let Some(code) = code(error) else { return };
        let Some((remedy, door)) = at_the_door(code, reason).map(|remedy| (remedy, true)).or(remedy(code).map(|remedy| (remedy, false)))
        else {
            return;
        };
        // Without how long it took, and without advice on the library's own settings.
        let reason = [" (after ", ": broker certificate could not be verified"].iter().fold(reason, |reason, rest| before(reason, rest));
        let why = if reason.is_empty() { format!("{error}: {remedy}") } else { format!("{reason}: {remedy}") };
        let known = self.kept().replace(Failure { why: why.clone(), remedy, door });
        self.0.any.store(true, Ordering::Relaxed);
        // Each broker says it in words of its own.
        if known.is_none_or(|known| known.remedy != remedy) {
            tracing::error!(why, "the brokers refuse us");
        }
    }

    /// Whether only a person can change what `error` says, or what is behind it.
    pub(super) fn needs_person(&self, error: &KafkaError) -> bool {
        code(error).is_some_and(|code| needs_person(code) || self.behind(code).is_some())
    }

    /// Why the brokers could not be asked, or what they refused.
    pub(super) fn log_error(&self, context: &str, error: KafkaError) -> LogError {
        let code = code(&error);
        if let Some(failure) = code.and_then(|code| self.behind(code)) {
            return LogError::Mismatch(format!("{context}: {}", failure.why));
        }
        match code.filter(|code| needs_person(*code)).and_then(remedy) {
            Some(remedy) => LogError::Mismatch(format!("{context}: {error}: {remedy}")),
            None => LogError::Unavailable { context: context.to_owned(), source: io::Error::other(error) },
        }
    }

    /// Why a record was not taken.
    pub(super) fn append_error(&self, error: &KafkaError, bytes: usize, max: usize) -> AppendError {
        match code(error).and_then(|code| self.behind(code)) {
            Some(failure) => AppendError::Unavailable(failure.why),
            None => append_error(error, bytes, max),
        }
    }

    /// What the brokers said, or we of them, when nothing more than `code` is told: a question that waits for a
    /// connection hears only that its time is over.
    fn behind(&self, code: RDKafkaErrorCode) -> Option<Failure> {
        use RDKafkaErrorCode as Code;
        let unreached = matches!(
            code,
            Code::BrokerTransportFailure
                | Code::AllBrokersDown
                | Code::OperationTimedOut
                | Code::TimedOutQueue
                | Code::MessageTimedOut
                | Code::RequestTimedOut
                | Code::WaitingForCoordinator
                | Code::Authentication
                | Code::SaslAuthenticationFailed
                | Code::SSL
        );
        self.kept().clone().filter(|failure| unreached && failure.door)
    }

    fn kept(&self) -> MutexGuard<'_, Option<Failure>> {
        self.0.failing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for Ear {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        match level {
            // The client library calls errors what it recovers from: a broker that is away, a connection cut.
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => tracing::error!(facility, text, "kafka"),
            RDKafkaLogLevel::Error | RDKafkaLogLevel::Warning => tracing::warn!(facility, text, "kafka"),
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => tracing::debug!(facility, text, "kafka"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "kafka");
        self.hear(&error, reason);
    }
}

/// What kind of error it is; the library's own function doesn't know it of what was asked by an administrator's client.
fn code(error: &KafkaError) -> Option<RDKafkaErrorCode> {
    match error {
        KafkaError::AdminOp(code) => Some(*code),
        error => error.rdkafka_error_code(),
    }
}

fn before<'a>(text: &'a str, rest: &str) -> &'a str {
    text.split_once(rest).map_or(text, |(before, _)| before)
}

/// What a person has to do when the brokers don't let us in, or we don't trust them.
fn at_the_door(code: RDKafkaErrorCode, reason: &str) -> Option<&'static str> {
    use RDKafkaErrorCode as Code;
    // OpenSSL's names of the alerts that brokers send about a client's certificate; since TLS 1.3 they come after the
    // handshake, on what looks like a connection that is cut.
    let ours = reason.contains("alert") && (reason.contains("certificate") || reason.contains("unknown ca"));
    match code {
        Code::SSL | Code::BrokerTransportFailure if ours => {
            Some("give a certificate that the brokers trust (tls_certificate_file and tls_key_file)")
        }
        Code::SSL if reason.contains("certificate verify failed") => {
            Some("check that tls_ca_file has the authority of the brokers' certificates, and that these name the hosts in brokers")
        }
        Code::SSL | Code::Authentication | Code::SaslAuthenticationFailed => remedy(code),
        _ => None,
    }
}

/// What a person has to do about an error that doesn't go away by itself.
fn remedy(code: RDKafkaErrorCode) -> Option<&'static str> {
    use RDKafkaErrorCode as Code;
    match code {
        Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition => Some("create the topic with all its partitions"),
        Code::TopicAuthorizationFailed | Code::GroupAuthorizationFailed | Code::ClusterAuthorizationFailed => {
            Some("allow this user (ACLs) to read, write and describe the topic and to read the group")
        }
        Code::Authentication | Code::SaslAuthenticationFailed => Some("check security, sasl_mechanism, sasl_username and the password"),
        Code::SSL => Some("check security and the tls_ files"),
        _ => None,
    }
}

/// Whether only a person can change what `code` says. A topic that brokers don't know may be one whose brokers have just
/// started: that it is there is checked at the start.
fn needs_person(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    remedy(code).is_some() && !matches!(code, Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition)
}

/// Why a record was not taken.
fn append_error(error: &KafkaError, bytes: usize, max: usize) -> AppendError {
    use RDKafkaErrorCode as Code;
    match error.rdkafka_error_code() {
        Some(Code::QueueFull) => AppendError::Full("too many records wait for the brokers (queue_records_max, queue_bytes_max)".to_owned()),
        Some(Code::MessageSizeTooLarge | Code::InvalidMessageSize) => AppendError::TooLarge { bytes, max },
        Some(Code::PolicyViolation | Code::InvalidRecord) => AppendError::Unavailable(format!("{error}: check the topic's configuration")),
        Some(code) => AppendError::Unavailable(match remedy(code) {
            Some(remedy) => format!("{error}: {remedy}"),
            None => error.to_string(),
        }),
        None => AppendError::Unavailable(error.to_string()),
    }
}

/// A client can't be made of the configuration.
pub(super) fn unmade(context: &str, error: &KafkaError) -> LogError {
    LogError::Mismatch(match error {
        // The library's own text has the value, which may be a secret.
        KafkaError::ClientConfig(_, why, ..) => format!("{context}: {why}"),
        // Nothing but files can be wrong in what was checked.
        KafkaError::ClientCreation(why) => format!("{context}: {why}: check the tls_ files and tls_key_password"),
        error => format!("{context}: {error}"),
    })
}

/// The brokers say that the one who commits isn't a member of the group, or not of its present generation.
pub(super) fn is_fenced(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::UnknownMemberId
            | Code::IllegalGeneration
            | Code::RebalanceInProgress
            | Code::StaleMemberEpoch
            | Code::FencedMemberEpoch
            | Code::FencedInstanceId
            | Code::AssignmentLost
            | Code::Fenced
    )
}

#[cfg(test)]
mod tests {
    use rdkafka::types::RDKafkaConfRes;

    use super::*;

    fn heard(code: RDKafkaErrorCode, reason: &str) -> Ear {
        let ear = Ear::default();
        ear.hear(&KafkaError::Global(code), reason);
        ear
    }

    #[test]
    fn a_refusal_at_the_door_is_told_from_a_connection_that_is_cut() {
        use RDKafkaErrorCode as Code;
        let table = [
            (Code::SSL, "SSL handshake failed: error:0A000086:SSL routines::certificate verify failed", Some("tls_ca_file")),
            (Code::SSL, "SSL handshake failed: error:0A00010B:SSL routines::wrong version number", Some("check security")),
            // As OpenSSL 3.0 and 3.2 say it.
            (
                Code::BrokerTransportFailure,
                "Receive failed: sslv3 alert bad certificate: SSL alert number 42",
                Some("tls_certificate_file"),
            ),
            (Code::BrokerTransportFailure, "Receive failed: tlsv13 alert certificate required", Some("tls_certificate_file")),
            (Code::BrokerTransportFailure, "Receive failed: ssl/tls alert bad certificate", Some("tls_certificate_file")),
            (Code::SSL, "SSL handshake failed: tlsv1 alert unknown ca", Some("tls_certificate_file")),
            (Code::Authentication, "SASL authentication error", Some("sasl_username")),
            (Code::BrokerTransportFailure, "SSL handshake failed: Disconnected: connection reset by peer", None),
            (Code::BrokerTransportFailure, "Connect to ipv4#127.0.0.1:9092 failed: Connection refused", None),
        ];
        for (code, reason, remedy) in table {
            let failing = heard(code, reason).failing();
            match remedy {
                Some(remedy) => assert!(failing.as_ref().is_some_and(|why| why.contains(remedy)), "{reason}: {failing:?}"),
                None => assert_eq!(failing, None, "{reason}"),
            }
        }
    }

    #[test]
    fn an_answer_ends_a_refusal_at_the_door_and_only_a_record_that_is_taken_ends_any() {
        let door = heard(RDKafkaErrorCode::Authentication, "");
        door.let_in();
        assert_eq!(door.failing(), None);
        let forbidden = heard(RDKafkaErrorCode::TopicAuthorizationFailed, "");
        forbidden.let_in();
        assert!(forbidden.failing().is_some(), "it may read and not write");
        forbidden.fine();
        assert_eq!(forbidden.failing(), None);
    }

    #[test]
    fn what_waited_in_vain_is_told_why_and_other_refusals_keep_their_own_reason() {
        let ear = heard(RDKafkaErrorCode::Authentication, "wrong word (after 3ms in state AUTH_REQ)");
        let told = ear.log_error("it can't be", KafkaError::AdminOp(RDKafkaErrorCode::OperationTimedOut)).to_string();
        assert!(told.starts_with("it can't be: wrong word: check security"), "{told}");
        let other = ear.log_error("it can't be", KafkaError::AdminOp(RDKafkaErrorCode::InvalidReplicationFactor));
        assert!(matches!(other, LogError::Unavailable { .. }), "{other:?}");
        let waited = Ear::default().log_error("it can't be", KafkaError::AdminOp(RDKafkaErrorCode::OperationTimedOut));
        assert!(matches!(waited, LogError::Unavailable { .. }), "{waited:?}");
    }

    #[test]
    fn a_setting_that_is_refused_is_told_without_its_value() {
        let why = "Configuration property \"ssl.key.password\" not supported in this build".to_owned();
        let error =
            KafkaError::ClientConfig(RDKafkaConfRes::RD_KAFKA_CONF_INVALID, why, "ssl.key.password".to_owned(), "sesame".to_owned());
        let told = unmade("it can't be made", &error);
        assert!(told.to_string().contains("ssl.key.password") && !format!("{told} {told:?}").contains("sesame"), "{told:?}");
    }
}
