#![no_main]
//! Expiry tokens, as they are and with a good tag put to them.

use libfuzzer_sys::fuzz_target;
use ntdsb::token::ExpiryToken;

fuzz_target!(|data: &[u8]| {
    let _ = ExpiryToken::decode(data, None);
    if let Some(body) = data.len().checked_sub(32).and_then(|end| data.get(..end)) {
        let mut tagged = body.to_vec();
        tagged.extend_from_slice(blake3::hash(body).as_bytes());
        if let Ok(decoded) = ExpiryToken::decode(&tagged, None) {
            assert!(decoded.token.not_after().is_some());
        }
    }
});
