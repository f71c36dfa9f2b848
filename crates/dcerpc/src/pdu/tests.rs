//! Golden PDUs and properties of the codec.

use super::*;
use std::vec;
