//! The intake: a beacon comes in by HTTP and leaves as a durable record in the log.
