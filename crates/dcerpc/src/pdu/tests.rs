//! Golden PDUs and properties of the codec.
