//! Reading one partition without being a member of a group.

use std::sync::Arc;

use super::{consumer::blocking, cursor::Cursor, partition::PartitionLog};
use crate::{
    error::LogError,
    record::{LogRecord, Offset},
};

#[derive(Debug)]
pub(crate) struct Reader {
    partition: Arc<PartitionLog>,
    cursor: Cursor,
}

impl Reader {
    pub(super) fn new(partition: Arc<PartitionLog>, offset: Offset) -> Self {
        Self { partition, cursor: Cursor::at(offset) }
    }

    /// The next durable records, about a megabyte of them; none if it is at the end.
    ///
    /// # Errors
    /// When they can't be read: the same records are read by the next call.
    pub(crate) async fn read(&mut self) -> Result<Vec<LogRecord>, LogError> {
        let (partition, cursor) = (Arc::clone(&self.partition), self.cursor.clone());
        let (cursor, records) = blocking(move || cursor.read(&partition)).await?;
        self.cursor = cursor;
        Ok(records)
    }
}
