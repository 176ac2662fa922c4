//! What a browser measures while one page is looked at.

pub(crate) mod effect;
pub(crate) mod measurement;
pub(crate) mod timing;
pub(crate) mod view;
