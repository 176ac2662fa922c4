//! Appending: an idempotent producer whose records are acknowledged by all in-sync replicas.

use std::{
    sync::{PoisonError, RwLock},
    time::Duration,
};

use bytes::Bytes;
use rdkafka::{
    ClientConfig,
    error::{KafkaError, RDKafkaErrorCode},
    producer::{FutureProducer, FutureRecord, Producer as _, future_producer::DeliveryFuture},
};

use super::{config::Config, error::Ear};
use crate::{
    error::AppendError,
    record::{Offset, Partition},
};

pub(super) struct Producer {
    config: Config,
    ear: Ear,
    /// Replaced after an error that ends a producer's life.
    current: RwLock<FutureProducer<Ear>>,
}

impl Producer {
    pub(super) fn new(config: &Config, ear: &Ear) -> Result<Self, KafkaError> {
        let current = RwLock::new(settings(config).create_with_context(ear.clone())?);
        Ok(Self { config: config.clone(), ear: ear.clone(), current })
    }

    /// Puts `record` among those that are to be sent; it has its place in the partition's order then.
    pub(super) fn enqueue(&self, partition: Partition, record: &Bytes) -> Result<DeliveryFuture, AppendError> {
        let number = i32::try_from(partition.0).expect("there are at most 1024 partitions");
        let to_send = FutureRecord::<(), [u8]>::to(self.config.topic()).partition(number).payload(record);
        let sent = self.current().send_result(to_send).map_err(|(error, _)| error);
        sent.map_err(|error| self.failed(&error, record.len()))
    }

    /// The offset that a broker gave, within the append timeout.
    pub(super) async fn delivered(&self, delivery: DeliveryFuture, bytes: usize) -> Result<Offset, AppendError> {
        match delivery.await {
            Ok(Ok(delivery)) => {
                self.ear.fine();
                u64::try_from(delivery.offset)
                    .map(Offset)
                    .map_err(|_| AppendError::Unavailable("a record was acknowledged without its offset".to_owned()))
            }
            Ok(Err((error, _))) => Err(self.failed(&error, bytes)),
            Err(_) => Err(AppendError::Unavailable("the producer was closed before the record was acknowledged".to_owned())),
        }
    }

    /// Waits until everything that was enqueued is acknowledged or given up; blocks.
    pub(super) fn flush(&self, timeout: Duration) {
        if let Err(error) = self.current().flush(timeout) {
            tracing::warn!(%error, "not all records were acknowledged before the log was closed");
        }
    }

    fn current(&self) -> FutureProducer<Ear> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn failed(&self, error: &KafkaError, bytes: usize) -> AppendError {
        self.ear.hear(error, "");
        let fatal = error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) || self.current().client().fatal_error().is_some();
        if fatal {
            self.renew();
        }
        self.ear.append_error(error, bytes, self.config.record_bytes_max)
    }

    /// An idempotent producer that can't keep its promise any more takes no further record. The records
    /// that it had are answered as unavailable: they may be there or not.
    fn renew(&self) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let Some((code, reason)) = current.client().fatal_error() else { return };
        match settings(&self.config).create_with_context(self.ear.clone()) {
            Ok(new) => {
                tracing::warn!(%code, reason, "the producer gave up; a new one takes over");
                let old = std::mem::replace(&mut *current, new);
                // Dropping it waits for its thread.
                std::thread::spawn(move || drop(old));
            }
            Err(error) => tracing::error!(%code, reason, %error, "the producer gave up, and there can't be a new one"),
        }
    }
}

fn settings(config: &Config) -> ClientConfig {
    let raw = &config.raw;
    let mut settings = config.client();
    settings
        .set("acks", "all")
        .set("enable.idempotence", "true")
        .set("compression.type", raw.compression.name())
        .set("linger.ms", (raw.linger.as_secs_f64() * 1e3).to_string())
        .set("message.timeout.ms", raw.append_timeout.as_millis().to_string())
        .set("request.timeout.ms", raw.request_timeout.as_millis().to_string())
        .set("message.max.bytes", config.batch_bytes_max().max(1_000).to_string())
        .set("queue.buffering.max.messages", raw.queue_records_max.to_string())
        .set("queue.buffering.max.kbytes", raw.queue_bytes_max.div_ceil(1 << 10).to_string());
    settings
}

impl std::fmt::Debug for Producer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Producer").field("config", &self.config).finish_non_exhaustive()
    }
}
