//! What the client library says went wrong, in the log's words.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
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
    failing: Mutex<Option<String>>,
}

impl Ear {
    /// Why nothing goes on until a person acts.
    pub(super) fn failing(&self) -> Option<String> {
        self.0.failing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A broker did what it was asked.
    pub(super) fn fine(&self) {
        if !self.0.any.swap(false, Ordering::Relaxed) {
            return;
        }
        if self.0.failing.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
            tracing::info!("the brokers take records again");
        }
    }

    /// Keeps `error` if it needs a person.
    pub(super) fn hear(&self, error: &KafkaError) {
        let Some(remedy) = error.rdkafka_error_code().and_then(remedy) else { return };
        let why = format!("{error}: {remedy}");
        let before = self.0.failing.lock().unwrap_or_else(PoisonError::into_inner).replace(why.clone());
        self.0.any.store(true, Ordering::Relaxed);
        if before.as_ref() != Some(&why) {
            tracing::error!(why, "the brokers refuse us");
        }
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
        self.hear(&error);
    }
}

/// What a person has to do about an error that doesn't go away by itself.
pub(super) fn remedy(code: RDKafkaErrorCode) -> Option<&'static str> {
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
pub(super) fn needs_person(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    remedy(code).is_some() && !matches!(code, Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition)
}

/// Why a record was not taken.
pub(super) fn append_error(error: &KafkaError, bytes: usize, max: usize) -> AppendError {
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

/// Why the brokers could not be asked, or what they refused.
pub(super) fn log_error(context: &str, error: KafkaError) -> LogError {
    match error.rdkafka_error_code().filter(|code| needs_person(*code)).and_then(remedy) {
        Some(remedy) => LogError::Mismatch(format!("{context}: {error}: {remedy}")),
        None => LogError::Unavailable { context: context.to_owned(), source: io::Error::other(error) },
    }
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
