//! Values to text: what encoders, partition folders and the print sink share.

pub(crate) mod number;
pub(crate) mod time;
pub(crate) mod values;
