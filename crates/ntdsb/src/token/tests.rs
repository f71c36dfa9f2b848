//! Golden layout, every single flipped bit, the clock, keys.

use proptest::prelude::*;

use super::*;

const KEY: Key = [0x4B; 32];

fn sample() -> ExpiryToken {
    ExpiryToken {
        flags: Flags::RECYCLE_BIN,
        start: "2024-05-06T07:08:09Z".parse().unwrap(),
        lifetime_days: 180,
        tombstone_lifetime_days: 180,
        deleted_object_lifetime_days: 0,
        page_size: 8192,
        backup_id: Guid::from_bytes([0xB1; 16]),
        dsa: Guid::from_bytes([0xD5; 16]),
        invocation_id: Guid::from_bytes([0x1D; 16]),
        domain: Guid::from_bytes([0xD0; 16]),
        highest_usn: 0x1122_3344_5566_7788,
        lowest_generation: 0xABC,
        epoch: 7,
        database_signature: [0xDB; 28],
        log_signature: [0x06; 28],
        host_name: "dc1.test.example".to_owned(),
        domain_dn: "DC=test,DC=example".to_owned(),
    }
}

#[test]
fn fields_stand_where_the_table_says() {
    let bytes = sample().encode(None).unwrap();
    let field = |at: usize, size: usize| &bytes[at..at + size];
    assert_eq!(bytes.len(), 208 + 2 + 16 + 2 + 18 + 2 + 32);
    assert_eq!(field(0, 12), b"DSBTOKEN\x01\0\0\0");
    assert_eq!(field(12, 12), [24, 1, 0, 0, 208, 0, 0, 0, 4, 0, 0, 0]);
    let start = sample().start;
    assert_eq!(field(24, 8), start.0.to_le_bytes());
    assert_eq!(field(32, 8), start.checked_add_days(180).unwrap().0.to_le_bytes());
    assert_eq!(field(40, 16), [180, 0, 0, 0, 180, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0]);
    assert_eq!(field(56, 16), [0xB1; 16]);
    assert_eq!(field(72, 16), [0xD5; 16]);
    assert_eq!(field(88, 16), [0x1D; 16]);
    assert_eq!(field(104, 16), [0xD0; 16]);
    assert_eq!(field(120, 8), 0x1122_3344_5566_7788u64.to_le_bytes());
    assert_eq!(field(128, 8), [0xBC, 0x0A, 0, 0, 7, 0, 0, 0]);
    assert_eq!(field(136, 28), [0xDB; 28]);
    assert_eq!(field(164, 28), [0x06; 28]);
    assert_eq!(field(192, 16), [0; 16]);
    assert_eq!(field(208, 18), b"\x10\0dc1.test.example");
    assert_eq!(field(226, 20), b"\x12\0DC=test,DC=example");
    assert_eq!(field(246, 2), [0, 0]);
    assert_eq!(field(248, 32), blake3::hash(&bytes[..248]).as_bytes());
}

#[test]
fn keyed_and_unkeyed_tokens_lead_back() {
    let plain = sample().encode(None).unwrap();
    for key in [None, Some(&KEY)] {
        let decoded = ExpiryToken::decode(&plain, key).unwrap();
        assert_eq!(decoded, Decoded { token: sample(), tag: TagState::Undamaged });
    }
    let keyed = sample().encode(Some(&KEY)).unwrap();
    let decoded = ExpiryToken::decode(&keyed, Some(&KEY)).unwrap();
    assert_eq!(decoded.tag, TagState::Authentic);
    assert!(decoded.token.flags.contains(Flags::KEYED));
    let unknown = TagState::UnknownKey { key_id: key_id(&KEY) };
    for key in [None, Some(&[0x11; 32])] {
        assert_eq!(ExpiryToken::decode(&keyed, key).unwrap().tag, unknown);
    }
    // Encoded again without the key, it is an unkeyed one.
    assert_eq!(decoded.token.encode(None).unwrap(), plain);
}

#[test]
fn every_flipped_bit_of_an_unkeyed_token_is_refused() {
    let bytes = sample().encode(None).unwrap();
    for key in [None, Some(&KEY)] {
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let error = ExpiryToken::decode(&damaged, key).unwrap_err();
            assert_eq!(error.code(), HResult::HR_UNKNOWN_EXPIRY_TOKEN_FORMAT, "bit {bit}");
        }
    }
}

#[test]
fn a_flipped_bit_of_a_keyed_token_is_refused_or_shows_as_another_key() {
    let bytes = sample().encode(Some(&KEY)).unwrap();
    for bit in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        match ExpiryToken::decode(&damaged, Some(&KEY)) {
            Err(_) => {}
            Ok(decoded) => {
                assert!((192..208).contains(&(bit / 8)), "bit {bit}");
                assert!(matches!(decoded.tag, TagState::UnknownKey { .. }));
            }
        }
    }
}

#[test]
fn wrong_sizes_are_refused() {
    let bytes = sample().encode(None).unwrap();
    for size in [0, 1, 255] {
        let error = ExpiryToken::decode(&bytes[..size], None).unwrap_err();
        assert_eq!(error, DecodeError::Size { bytes: size });
    }
    let error = ExpiryToken::decode(&[0; 4097], None).unwrap_err();
    assert_eq!(error, DecodeError::Size { bytes: 4097 });
    let longer = [&bytes[..], &[0]].concat();
    let error = ExpiryToken::decode(&longer, None).unwrap_err();
    assert_eq!(error, DecodeError::Length { field: 280, bytes: 281 });
    let shorter = ExpiryToken::decode(&bytes[..279], None).unwrap_err();
    assert_eq!(shorter, DecodeError::Length { field: 280, bytes: 279 });
}

/// The bytes with one change and a tag that fits them.
fn forged(change: impl FnOnce(&mut Vec<u8>)) -> Result<Decoded, DecodeError> {
    let mut bytes = sample().encode(None).unwrap();
    change(&mut bytes);
    let body = bytes.len() - TAG;
    let tag = tag(&bytes[..body], None);
    bytes[body..].copy_from_slice(&tag);
    ExpiryToken::decode(&bytes, None)
}

#[test]
fn each_rule_is_checked_even_where_the_tag_fits() {
    let set = |at: usize, value: u32| {
        forged(move |bytes| bytes[at..at + 4].copy_from_slice(&value.to_le_bytes()))
    };
    assert_eq!(set(0, 0), Err(DecodeError::Magic));
    assert_eq!(set(8, 2), Err(DecodeError::Version { major: 2 }));
    assert_eq!(set(12, 4096), Err(DecodeError::Length { field: 4096, bytes: 280 }));
    for field in [0, 207, 249, u32::MAX] {
        assert_eq!(set(16, field), Err(DecodeError::HeaderLength { field }));
    }
    assert_eq!(set(16, 248), Err(DecodeError::Name { what: "host name" }));
    assert_eq!(set(20, 1), Err(DecodeError::KeyId));
    assert_eq!(set(192, 1), Err(DecodeError::KeyId));
    for days in [0, 36_501, u32::MAX] {
        assert_eq!(set(40, days), Err(DecodeError::Lifetime { days }));
    }
    assert_eq!(set(40, 179), Err(DecodeError::NotAfter));
    assert_eq!(set(28, u32::MAX), Err(DecodeError::NotAfter));
    let host = forged(|bytes| bytes[208] = 0xFF);
    assert_eq!(host, Err(DecodeError::Name { what: "host name" }));
    let domain = forged(|bytes| bytes[226] = 23);
    assert_eq!(domain, Err(DecodeError::Name { what: "domain name" }));
    let utf8 = forged(|bytes| bytes[230] = 0xFF);
    assert_eq!(utf8, Err(DecodeError::Name { what: "domain name" }));
}

#[test]
fn later_minor_versions_and_longer_headers_are_read() {
    let minor = forged(|bytes| bytes[10] = 9).unwrap();
    assert_eq!(minor.token, sample());
    let longer = forged(|bytes| {
        bytes.splice(208..208, [0xEE; 8]);
        bytes[12..16].copy_from_slice(&288u32.to_le_bytes());
        bytes[16..20].copy_from_slice(&216u32.to_le_bytes());
    });
    assert_eq!(longer.unwrap().token, sample());
}

#[test]
fn the_clock_decides_to_the_tick() {
    let token = sample();
    let not_after = token.not_after().unwrap();
    assert_eq!(token.expiry(token.start), Expiry::Valid);
    assert_eq!(token.expiry(not_after), Expiry::Valid);
    assert_eq!(token.expiry(FileTime(not_after.0 + 1)), Expiry::Expired);
    assert_eq!(token.expiry(FileTime(token.start.0 - 1)), Expiry::BeforeStart { ticks: 1 });
    assert_eq!(token.expiry(FileTime(0)), Expiry::BeforeStart { ticks: token.start.0 });
    assert_eq!(token.expiry(FileTime(u64::MAX)), Expiry::Expired);
}

#[test]
fn values_that_a_reader_would_refuse_are_not_written() {
    for days in [0, 36_501] {
        let token = ExpiryToken { lifetime_days: days, ..sample() };
        assert_eq!(token.encode(None), Err(EncodeError::Lifetime { days }));
    }
    let late = ExpiryToken { start: FileTime(u64::MAX), ..sample() };
    assert_eq!(late.encode(None), Err(EncodeError::Lifetime { days: 180 }));
    for (host, domain) in [("", "DC=a,DC=b"), ("a", ""), ("a", "DC="), ("a", &"x".repeat(4000))] {
        let token =
            ExpiryToken { host_name: host.to_owned(), domain_dn: domain.to_owned(), ..sample() };
        assert!(matches!(token.encode(None), Err(EncodeError::Names { .. })), "{host} {domain}");
    }
    let shortest =
        ExpiryToken { host_name: "a".to_owned(), domain_dn: "DC=b".to_owned(), ..sample() };
    assert_eq!(shortest.encode(None).unwrap().len(), MINIMUM);
}

#[test]
fn the_effective_lifetime_is_the_shorter_one() {
    assert_eq!(effective_lifetime_days(None, false, None), 60);
    assert_eq!(effective_lifetime_days(Some(180), false, Some(30)), 180);
    assert_eq!(effective_lifetime_days(Some(180), true, Some(30)), 30);
    assert_eq!(effective_lifetime_days(Some(180), true, Some(365)), 180);
    assert_eq!(effective_lifetime_days(Some(180), true, None), 180);
    assert_eq!(effective_lifetime_days(Some(0), false, None), 2);
    assert_eq!(effective_lifetime_days(Some(u32::MAX), false, None), 36_500);
}

proptest! {
    #[test]
    fn any_token_leads_back(
        flags in 0..32u32,
        start in 0..1u64 << 62,
        lifetime_days in 1..=36_500u32,
        numbers: (u32, u32, u32, u64, u32, u32),
        guids: [[u8; 16]; 4],
        signature: [u8; 28],
        host_name in "[a-z.]{2,255}",
        domain_dn in "\\PC{3,200}",
        keyed: bool,
    ) {
        let guids = guids.map(Guid::from_bytes);
        let token = ExpiryToken {
            flags: Flags(flags).without(Flags::KEYED),
            start: FileTime(start),
            lifetime_days,
            tombstone_lifetime_days: numbers.0,
            deleted_object_lifetime_days: numbers.1,
            page_size: numbers.2,
            backup_id: guids[0],
            dsa: guids[1],
            invocation_id: guids[2],
            domain: guids[3],
            highest_usn: numbers.3,
            lowest_generation: numbers.4,
            epoch: numbers.5,
            database_signature: signature,
            log_signature: signature,
            host_name,
            domain_dn,
        };
        let key = keyed.then_some(&KEY);
        let bytes = token.encode(key).unwrap();
        prop_assert!(bytes.len().is_multiple_of(8) && bytes.len() <= MAXIMUM);
        let mut decoded = ExpiryToken::decode(&bytes, key).unwrap();
        prop_assert_eq!(decoded.token.flags.contains(Flags::KEYED), keyed);
        decoded.token.flags = decoded.token.flags.without(Flags::KEYED);
        prop_assert_eq!(decoded.token, token);
    }

    #[test]
    fn arbitrary_bytes_never_panic(
        head in prop::collection::vec(any::<u8>(), 0..300),
        length in 0..4100u32,
    ) {
        let mut bytes = sample().encode(None).unwrap();
        bytes.splice(16.., head);
        bytes[12..16].copy_from_slice(&length.to_le_bytes());
        bytes.resize(length as usize, 0x55);
        let _ = ExpiryToken::decode(&bytes, Some(&KEY));
    }
}
