//! What engines wrote, made-up streams of every form, and damage.

use alloc::vec::Vec;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b' ').collect();
    let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn plain(stored: &[u8]) -> Result<Vec<u8>, CompressionError> {
    let mut out = b"before".to_vec();
    let result = decompress(stored, &mut out);
    let plain = out.split_off(6);
    assert_eq!(out, b"before");
    match result {
        Ok(()) => {
            assert_eq!(decompressed_len(stored), Some(plain.len()));
            Ok(plain)
        }
        Err(fault) => {
            assert_eq!(plain, []);
            Err(fault)
        }
    }
}

#[test]
fn seven_bit_values_of_engines_are_decoded_and_encoded_alike() {
    for (stored, text) in [
        ("0e61", "a"),
        ("0d6131", "ab"),
        ("0cc56911", "ESE"),
        ("0f31d98c56b3dd70", "12345678"),
        ("0d61361c1d668188452635089aa7cb7239", "alpha, DELTA sierr"),
        ("0beff9382c07c9dfedf21b7447a7e7eb729e05", "oscar romeo whiskey,"),
        (
            "0961361c1d063d4fce729acd02118b4c6a10347eb7de7090501eb603",
            "alpha O'Neil, DELTA co-op Brav",
        ),
    ] {
        assert_eq!(plain(&hex(stored)), Ok(text.as_bytes().to_vec()));
        assert_eq!(compress_7bit_ascii(text.as_bytes()), Some(hex(stored)));
    }
    for (stored, text) in
        [("12eff9382c07", "oscar"), ("11c422931a0459d363fa5b0e9a03", "DELTA Victor s")]
    {
        assert_eq!(plain(&hex(stored)), Ok(utf16(text)));
        assert_eq!(compress_7bit_unicode(&utf16(text)), Some(hex(stored)));
    }
    assert_eq!(compress_7bit_ascii(b"\x80"), None);
    assert_eq!(compress_7bit_ascii(b""), None);
    assert_eq!(compress_7bit_unicode(b"a\0b"), None);
    assert_eq!(compress_7bit_unicode(b"a\x01"), None);
}

#[test]
fn xpress_chunks_of_engines_are_decoded() {
    let short = hex("18 0a00 ffffff1f 616263 1400");
    assert_eq!(plain(&short), Ok(b"abcabcabca".to_vec()));
    let nibble = hex("18 1000 ffffff1f 616263 1700 03");
    assert_eq!(plain(&nibble), Ok(b"abcabcabcabcabca".to_vec()));
    let zeros = hex("18 060b ffffff3f 0000 0700 0f ff 010b");
    assert_eq!(plain(&zeros), Ok(alloc::vec![0; 2822]));
}

/// CRC-32 of PKZIP, to compare long outputs by.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            crc >> 1 ^ if crc & 1 != 0 { 0xEDB8_8320 } else { 0 }
        })
    })
}

#[test]
fn two_long_matches_share_a_nibble_byte() {
    let stored = hex(
        "18ae1fbf0020047c2937847c1f002f0241930db71f005387ec935db25860b569840a9d6700fe000700ff551f",
    );
    let plain = plain(&stored).unwrap();
    assert_eq!((plain.len(), crc32(&plain)), (8110, 0x7120_794A));
    let stored = hex(
        "186f0400011000d6ec703d5fd31f33dea6691f00ff0baf5889f49659e50d82a5085700b8b295982ff5c6c5a3\
         08218020a3264f00ff9b069bdd52dd270046c6ac504fe175c4035b4700ef2fa5c850311f008669fdc91f00ff\
         1b02b3a2ff002000007ffc028ee189e9d6b76700dec28119834f8a4b8a1be6ffce1267000f73",
    );
    let plain = tests::plain(&stored).unwrap();
    assert_eq!((plain.len(), crc32(&plain)), (1135, 0x6FE8_AE80));
}

#[test]
fn lz4_blocks_are_decoded() {
    // Literals "abc", a match of 4 at distance 3, then 5 literals.
    let block = hex("38 0c00 30 616263 0300 50 7878787878");
    assert_eq!(plain(&block), Ok(b"abcabcaxxxxx".to_vec()));
    // A match length of 15 + 255 + 1 + 4, then 16 literals.
    let long = [&hex("38 2401 1f 7a 0100 ff01 f0 01")[..], &[b'y'; 16]].concat();
    let expected = [&[b'z'; 276][..], &[b'y'; 16]].concat();
    assert_eq!(plain(&long), Ok(expected));
}

#[test]
fn what_is_not_decoded_is_named() {
    let said = |stored: &str| plain(&hex(stored)).map_err(|fault| alloc::format!("{fault}"));
    assert_eq!(said(""), Err("compressed data of no length".into()));
    assert_eq!(said("20 2a2a"), Err("the value was erased (scrubbed)".into()));
    assert_eq!(said("28 00"), Err("scheme XPRESS9 (0x28) is not decoded".into()));
    assert_eq!(said("30 00"), Err("scheme XPRESS10 (0x30) is not decoded".into()));
    assert_eq!(said("f8"), Err("scheme unknown (0xf8) is not decoded".into()));
    assert_eq!(said("08"), Err("7-bit ASCII data ends too early".into()));
    assert_eq!(said("18 0a"), Err("XPRESS data ends too early".into()));
    assert_eq!(said("18 0a00 ffff"), Err("XPRESS data ends too early".into()));
    // A match in front of the beginning, and one beyond the length.
    let before = said("18 0a00 ffffff1f 616263 1c00");
    assert_eq!(before, Err("XPRESS data is not sound at byte 10".into()));
    let beyond = said("18 0900 ffffff1f 616263 1400");
    assert_eq!(beyond, Err("XPRESS data is not sound at byte 10".into()));
    // A length that is written out although it is short.
    let short = said("18 060b ffffff3f 0000 0700 0f ff 1401");
    assert_eq!(short, Err("XPRESS data is not sound at byte 13".into()));
    assert_eq!(said("38 0500 30 616263"), Err("LZ4 data ends too early".into()));
    let before = said("38 0c00 30 616263 0400 50 7878787878");
    assert_eq!(before, Err("LZ4 data is not sound at byte 3".into()));
    let zero = said("38 0c00 30 616263 0000 50 7878787878");
    assert_eq!(zero, Err("LZ4 data is not sound at byte 3".into()));
}

/// A piece of a block: literals, or a match (distance, counted back as a share; length).
#[derive(Debug, Clone)]
enum Token {
    Literals(Vec<u8>),
    Match(prop::sample::Index, usize),
}

fn tokens() -> impl Strategy<Value = Vec<Token>> {
    let literals = vec(any::<u8>(), 1..50).prop_map(Token::Literals);
    let length = prop_oneof![8 => 4..40_usize, 4 => 25..300_usize, 1 => 270..3000_usize];
    let a_match = (any::<prop::sample::Index>(), length).prop_map(|(d, len)| Token::Match(d, len));
    vec(prop_oneof![literals, a_match], 1..60).prop_map(|mut tokens| {
        // A match can not come first.
        tokens.insert(0, Token::Literals(b"!".to_vec()));
        tokens
    })
}

/// What a block means, with every match within reach: (token, distance) and all bytes.
fn expand(tokens: &[Token]) -> (Vec<(&Token, usize)>, Vec<u8>) {
    let (mut kept, mut out) = (Vec::new(), Vec::new());
    for token in tokens {
        match token {
            Token::Literals(bytes) => {
                kept.push((token, 0));
                out.extend_from_slice(bytes);
            }
            Token::Match(_, len) if out.is_empty() || out.len() + len > 60_000 => {}
            Token::Match(back, len) => {
                let distance = 1 + back.index(out.len().min(8192));
                kept.push((token, distance));
                for _ in 0..*len {
                    out.push(out[out.len() - distance]);
                }
            }
        }
    }
    (kept, out)
}

/// Writes XPRESS. `wide`: lengths that need 16 bits are written in 32.
fn write_xpress(tokens: &[(&Token, usize)], len: usize, wide: bool) -> Vec<u8> {
    let mut out = [&[0x18][..], &u16::try_from(len).unwrap().to_le_bytes()].concat();
    let (mut flags_at, mut flags, mut left) = (0, 0_u32, 0);
    let mut nibble_at = None;
    let mut flag = |out: &mut Vec<u8>, set: bool, last: bool| {
        if left == 0 && !last {
            (flags_at, flags, left) = (out.len(), 0, 32);
            out.extend([0; 4]);
        }
        if last {
            flags |= 1_u32.checked_shl(left).unwrap_or(0).wrapping_sub(1);
        } else {
            left -= 1;
            flags |= u32::from(set) << left;
        }
        out[flags_at..flags_at + 4].copy_from_slice(&flags.to_le_bytes());
    };
    for (token, distance) in tokens {
        match token {
            Token::Literals(bytes) => {
                for byte in bytes {
                    flag(&mut out, false, false);
                    out.push(*byte);
                }
            }
            Token::Match(_, len) => {
                flag(&mut out, true, false);
                let (low, rest) = ((len - 3).min(7), (len - 3).checked_sub(7));
                out.extend(u16::try_from((distance - 1) << 3 | low).unwrap().to_le_bytes());
                let Some(rest) = rest else { continue };
                let nibble = u8::try_from(rest.min(15)).unwrap();
                match nibble_at.take() {
                    Some(at) => {
                        let byte: &mut u8 = &mut out[at];
                        *byte |= nibble << 4;
                    }
                    None => {
                        nibble_at = Some(out.len());
                        out.push(nibble);
                    }
                }
                match rest.checked_sub(15) {
                    None => {}
                    Some(more) if more < 255 => out.push(u8::try_from(more).unwrap()),
                    Some(_) if wide => {
                        out.extend([255, 0, 0]);
                        out.extend(u32::try_from(len - 3).unwrap().to_le_bytes());
                    }
                    Some(_) => {
                        out.push(255);
                        out.extend(u16::try_from(len - 3).unwrap().to_le_bytes());
                    }
                }
            }
        }
    }
    flag(&mut out, true, true);
    out
}

/// Writes LZ4; the last sequence is literals, which the caller adds.
fn write_lz4(tokens: &[(&Token, usize)], tail: &[u8], len: usize) -> Vec<u8> {
    let mut out = [&[0x38][..], &u16::try_from(len).unwrap().to_le_bytes()].concat();
    let more = |out: &mut Vec<u8>, len: usize| {
        if let Some(mut rest) = len.checked_sub(15) {
            while rest >= 255 {
                out.push(255);
                rest -= 255;
            }
            out.push(u8::try_from(rest).unwrap());
        }
    };
    let mut literals: Vec<u8> = Vec::new();
    for (token, distance) in tokens {
        match token {
            Token::Literals(bytes) => literals.extend_from_slice(bytes),
            Token::Match(_, len) => {
                let halves = literals.len().min(15) << 4 | (len - 4).min(15);
                out.push(u8::try_from(halves).unwrap());
                more(&mut out, literals.len());
                out.append(&mut literals);
                out.extend(u16::try_from(*distance).unwrap().to_le_bytes());
                more(&mut out, len - 4);
            }
        }
    }
    literals.extend_from_slice(tail);
    out.push(u8::try_from(literals.len().min(15) << 4).unwrap());
    more(&mut out, literals.len());
    out.append(&mut literals);
    out
}

proptest! {
    #[test]
    fn seven_bit_text_comes_back(text in vec(0..0x80_u8, 1..100)) {
        let packed = compress_7bit_ascii(&text).unwrap();
        prop_assert_eq!(packed.len(), 1 + (text.len() * 7).div_ceil(8));
        prop_assert_eq!(plain(&packed), Ok(text.clone()));
        let wide: Vec<u8> = text.iter().flat_map(|unit| [*unit, 0]).collect();
        let packed = compress_7bit_unicode(&wide).unwrap();
        prop_assert_eq!(plain(&packed), Ok(wide));
    }

    #[test]
    fn xpress_of_every_form_is_decoded(tokens in tokens(), wide in any::<bool>()) {
        let (tokens, expected) = expand(&tokens);
        let stored = write_xpress(&tokens, expected.len(), wide);
        prop_assert_eq!(plain(&stored), Ok(expected));
        for len in 0..stored.len().min(40) {
            let _ = plain(&stored[..len]);
        }
    }

    #[test]
    fn lz4_of_every_form_is_decoded(
        tokens in tokens(),
        tail in vec(any::<u8>(), 0..40),
    ) {
        let (tokens, mut expected) = expand(&tokens);
        expected.extend_from_slice(&tail);
        let stored = write_lz4(&tokens, &tail, expected.len());
        prop_assert_eq!(plain(&stored), Ok(expected));
    }

    #[test]
    fn any_bytes_are_decoded_or_refused_within_bounds(
        first in any::<u8>(),
        rest in vec(any::<u8>(), 0..300),
    ) {
        let stored = [&[first][..], &rest].concat();
        if let Ok(plain) = plain(&stored) {
            prop_assert!(plain.len() < 65_536);
        }
    }

    #[test]
    fn damaged_blocks_are_decoded_or_refused(
        tokens in tokens(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
    ) {
        let (tokens, expected) = expand(&tokens);
        for mut stored in [
            write_xpress(&tokens, expected.len(), false),
            write_lz4(&tokens, &[], expected.len()),
        ] {
            for (at, byte) in &damage {
                let at = at.index(stored.len());
                stored[at] = *byte;
            }
            let _ = plain(&stored);
        }
    }
}
