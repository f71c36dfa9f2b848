#![no_main]
//! Log records: what is read is written back byte for byte; differences of replaced data.

use ese_format::log::diff;
use ese_format::log::instance_parameters::InstanceParameters;
use ese_format::log::record::{LogRecord, record_len};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok((record, len)) = LogRecord::parse(data) {
        assert_eq!(record_len(data), Ok(len));
        let mut written = Vec::new();
        record.write(&mut written);
        assert_eq!(written, &data[..len]);
        assert_eq!(record.kind().0, data[0]);
        assert!(!record.to_string().contains('\n'));
        std::hint::black_box((record.session(), record.database(), record.dbtimes()));
    }
    if let Some((&split, rest)) = data.split_first() {
        let (old, difference) = rest.split_at(usize::from(split >> 1).min(rest.len()));
        let mut new = Vec::new();
        if diff::apply(old, difference, split & 1 != 0, &mut new).is_ok() {
            assert!(new.len() <= old.len() + difference.len());
            if let Some(built) = diff::build(old, &new, split & 1 != 0) {
                let mut again = Vec::new();
                assert_eq!(diff::apply(old, &built, split & 1 != 0, &mut again), Ok(()));
                assert_eq!(again, new);
            }
        }
    }
    if let Some(parameters) = InstanceParameters::parse(data) {
        std::hint::black_box(parameters.to_string());
    }
});
