//! Round trips in both byte orders, each rule that a stub can break, and arbitrary bytes.

use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::context_handle::ContextHandle;
use crate::drep::DataRepresentation::{self, BigEndian, LittleEndian};
use crate::fault::FaultStatus;
use ms_dtyp::Guid;

fn decoder(stub: &[u8]) -> Decoder<'_> {
    Decoder::new(stub, LittleEndian)
}

#[test]
fn primitives_are_aligned_to_their_size() {
    let mut encoder = Encoder::new();
    encoder.u8(1);
    encoder.u16(2);
    encoder.u8(3);
    encoder.u32(4);
    encoder.u64(5);
    encoder.u8(6);
    encoder.u64(7);
    let stub = encoder.finish();
    assert_eq!(
        stub,
        [
            1, 0, 2, 0, 3, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0,
            0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0
        ]
    );
}

#[test]
fn big_endian_stubs_are_read() {
    let stub = [0x01, 0xFF, 0x12, 0x34, 0x12, 0x34, 0x56, 0x78];
    let mut decoder = Decoder::new(&stub, BigEndian);
    assert_eq!(decoder.u8("a"), Ok(1));
    assert_eq!(decoder.u16("b"), Ok(0x1234));
    assert_eq!(decoder.u32("c"), Ok(0x1234_5678));
}

#[test]
fn padding_may_have_any_value() {
    let mut decoder = decoder(&[1, 0xAA, 0xBB, 0xCC, 2, 0, 0, 0]);
    assert_eq!(decoder.u8("a"), Ok(1));
    assert_eq!(decoder.u32("b"), Ok(2));
}

#[test]
fn referent_ids_count_up_and_null_is_zero() {
    let mut encoder = Encoder::new();
    encoder.unique_pointer(true);
    encoder.unique_pointer(false);
    encoder.unique_pointer(true);
    assert_eq!(encoder.finish(), [0, 0, 2, 0, 0, 0, 0, 0, 4, 0, 2, 0]);
}

#[test]
fn a_string_over_its_limit_is_an_invalid_bound() {
    let stub = [5, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0];
    let error = decoder(&stub).wide_string("name", 4).unwrap_err();
    assert_eq!(error, Error::InvalidBound { what: "name", at: 0, count: 5, limit: 4 });
    assert_eq!(error.fault_status(), FaultStatus::INVALID_BOUND);
}

#[test]
fn strings_that_contradict_themselves_are_bad_stub_data() {
    let offset = [2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0];
    let actual = [1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0];
    let short = [2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0];
    for stub in [&offset[..], &actual, &short, &short[..7], &[]] {
        let error = decoder(stub).wide_string("name", 4).unwrap_err();
        assert_eq!(error.fault_status(), FaultStatus::BAD_STUB_DATA, "{error}");
    }
}

#[test]
fn arrays_must_have_the_size_that_was_sent_beside_them() {
    let stub = [3, 0, 0, 0, 1, 2, 3];
    assert_eq!(decoder(&stub).conformant_bytes("blob", 3), Ok(&[1, 2, 3][..]));
    for size in [0, 2, 4, u32::MAX] {
        let error = decoder(&stub).conformant_bytes("blob", size).unwrap_err();
        assert_eq!(error, Error::Mismatch { what: "blob", at: 0, found: 3, expected: size });
    }
}

#[test]
fn a_huge_count_fails_before_anything_is_allocated() {
    let mut stub = vec![0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 7, 7];
    assert!(decoder(&stub).wide_string("name", u32::MAX).is_err());
    assert!(decoder(&stub).conformant_units("list", u32::MAX).is_err());
    stub.truncate(4);
    assert!(decoder(&stub).conformant_bytes("blob", u32::MAX).is_err());
}

#[test]
fn varying_bytes_are_a_range_of_the_stub() {
    let stub = [9, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 7, 8, 0, 0, 1, 0, 0, 0];
    let mut decoder = decoder(&stub);
    assert_eq!(decoder.varying_bytes("data", 9, 2), Ok(12..14));
    assert_eq!(decoder.u32("return"), Ok(1));
    for (size, length) in [(8, 2), (9, 1), (1, 2)] {
        assert!(Decoder::new(&stub, LittleEndian).varying_bytes("data", size, length).is_err());
    }
}

#[test]
fn writing_is_bounded_too() {
    let mut encoder = Encoder::new();
    assert_eq!(
        encoder.wide_string("name", &[0; 5], 4),
        Err(Error::TooLong { what: "name", count: 5, limit: 4 })
    );
    assert!(encoder.conformant_bytes("blob", &[0; 4], 4).is_ok());
}

fn representation() -> impl Strategy<Value = DataRepresentation> {
    prop_oneof![Just(LittleEndian), Just(BigEndian)]
}

#[derive(Debug, Clone, PartialEq)]
enum Value {
    Byte(u8),
    Short(u16),
    Long(u32),
    Hyper(u64),
    Handle(u32, [u8; 16]),
    Blob(Vec<u8>),
    Units(Vec<u16>),
    Text(Vec<u16>),
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<u8>().prop_map(Value::Byte),
        any::<u16>().prop_map(Value::Short),
        any::<u32>().prop_map(Value::Long),
        any::<u64>().prop_map(Value::Hyper),
        any::<(u32, [u8; 16])>().prop_map(|(attributes, uuid)| Value::Handle(attributes, uuid)),
        prop::collection::vec(any::<u8>(), 0..9).prop_map(Value::Blob),
        prop::collection::vec(any::<u16>(), 0..9).prop_map(Value::Units),
        prop::collection::vec(any::<u16>(), 0..9).prop_map(Value::Text),
    ]
}

fn put(encoder: &mut Encoder, value: &Value) {
    match value {
        Value::Byte(value) => encoder.u8(*value),
        Value::Short(value) => encoder.u16(*value),
        Value::Long(value) => encoder.u32(*value),
        Value::Hyper(value) => encoder.u64(*value),
        Value::Handle(attributes, uuid) => encoder.context_handle(&ContextHandle {
            attributes: *attributes,
            uuid: Guid::from_bytes(*uuid),
        }),
        Value::Blob(value) => encoder.conformant_bytes("blob", value, 9).unwrap(),
        Value::Units(value) => encoder.conformant_units("units", value, 9).unwrap(),
        Value::Text(value) => encoder.wide_string("text", value, 9).unwrap(),
    }
}

fn get_like(decoder: &mut Decoder<'_>, value: &Value) -> Result<Value, Error> {
    Ok(match value {
        Value::Byte(_) => Value::Byte(decoder.u8("byte")?),
        Value::Short(_) => Value::Short(decoder.u16("short")?),
        Value::Long(_) => Value::Long(decoder.u32("long")?),
        Value::Hyper(_) => Value::Hyper(decoder.u64("hyper")?),
        Value::Handle(..) => {
            let handle = decoder.context_handle("handle")?;
            Value::Handle(handle.attributes, handle.uuid.to_bytes())
        }
        Value::Blob(value) => Value::Blob(
            decoder.conformant_bytes("blob", u32::try_from(value.len()).unwrap())?.to_vec(),
        ),
        Value::Units(value) => {
            Value::Units(decoder.conformant_units("units", u32::try_from(value.len()).unwrap())?)
        }
        Value::Text(_) => Value::Text(decoder.wide_string("text", 9)?),
    })
}

proptest! {
    #[test]
    fn any_sequence_of_values_leads_back(
        drep in representation(),
        values in prop::collection::vec(value(), 0..12),
        cut: prop::sample::Index,
    ) {
        let mut encoder = Encoder::with_representation(drep);
        for value in &values {
            put(&mut encoder, value);
        }
        let stub = encoder.finish();
        let mut decoder = Decoder::new(&stub, drep);
        for value in &values {
            prop_assert_eq!(&get_like(&mut decoder, value)?, value);
        }
        prop_assert_eq!(decoder.position(), stub.len());

        // A stub that is cut short never reads to its end, and never panics.
        if !stub.is_empty() {
            let mut decoder = Decoder::new(&stub[..cut.index(stub.len())], drep);
            prop_assert!(values.iter().any(|value| get_like(&mut decoder, value).is_err()));
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(
        drep in representation(),
        stub: Vec<u8>,
        values in prop::collection::vec(value(), 0..12),
    ) {
        let mut decoder = Decoder::new(&stub, drep);
        for value in &values {
            let _ = get_like(&mut decoder, value);
        }
    }
}
