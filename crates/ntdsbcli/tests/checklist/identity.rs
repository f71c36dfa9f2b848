//! DsSetAuthIdentity.

use std::io::{Read, Seek, SeekFrom};
use std::time::{Duration, Instant};

use ntdsbcli::functions::{Text, ds_set_auth_identity};
use ntdsbcli::identity;
use ntdsbcli::{HResult, Server};

use crate::fixture::*;

/// The identity is the process's: its tests run one after the other.
static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());

fn alone() -> std::sync::MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn set(user: Option<&str>, domain: Option<&str>, password: Option<&str>) -> HResult {
    let [user, domain, password] = [user, domain, password].map(|text| text.map(wide));
    ds_set_auth_identity(
        user.as_deref().map(Text::Wide),
        domain.as_deref().map(Text::Wide),
        password.as_deref().map(Text::Wide),
    )
}

#[test]
fn api_021_a_tuple_is_taken_without_asking_anybody() {
    let _alone = alone();
    assert_eq!(set(Some("ann"), Some("CORP"), Some("pw")), OK);
    let current = identity::current().unwrap();
    assert_eq!((current.user(), current.domain()), ("ann", "CORP"));
    assert_eq!(set(None, None, None), OK);
}

#[test]
fn api_022_all_null_clears() {
    let _alone = alone();
    assert_eq!(set(Some("ann"), None, None), OK);
    assert_eq!(set(None, None, None), OK);
    assert!(identity::current().is_none());
}

#[test]
fn api_023_a_password_without_user_is_invalid() {
    assert_eq!(set(None, None, Some("pw")), INV);
    assert_eq!(set(Some(""), None, Some("pw")), INV);
    assert_eq!(set(None, Some("CORP"), None), INV);
}

#[test]
fn api_024_over_long_strings_are_invalid() {
    let (name, long) = ("n".repeat(256), "n".repeat(257));
    assert_eq!(set(Some(&long), None, None), INV);
    assert_eq!(set(Some(&name), Some(&long), None), INV);
    assert_eq!(set(Some(&name), Some(&name), Some(&"p".repeat(513))), INV);
}

#[test]
fn api_025_what_was_captured_stays_after_a_change() {
    let _alone = alone();
    assert_eq!(set(Some("ann"), None, None), OK);
    let server = Server::local();
    assert_eq!(set(Some("bob"), None, None), OK);
    let user = server.identity().map(identity::Identity::user);
    assert_eq!(user, Some("ann"));
    assert_eq!(set(None, None, None), OK);
}

#[test]
fn api_027_a_narrow_string_that_is_no_text_is_untranslatable() {
    let bad = Some(Text::Ansi(b"\xC3\x28"));
    let good = Some(Text::Ansi(b"ann"));
    let code = HResult::ERROR_NO_UNICODE_TRANSLATION;
    assert_eq!(ds_set_auth_identity(bad, None, None), code);
    assert_eq!(ds_set_auth_identity(good, bad, None), code);
    assert_eq!(ds_set_auth_identity(good, None, bad), code);
}

#[test]
fn api_028_a_cleared_password_is_nowhere_in_memory() {
    let _alone = alone();
    // Kept and looked for in disguise, so that the test does not find itself; and no sequence that
    // a table of other tests in this process may have.
    const MASK: u16 = 0x0300;
    let disguised: Vec<u16> =
        (0..40u16).map(|at| (u16::from(b'A') + (at * at * 7 + at * 19) % 57) ^ MASK).collect();
    let mut password: Vec<u16> = disguised.iter().map(|unit| unit ^ MASK).collect();
    let user = wide("ann");
    let code = ds_set_auth_identity(Some(Text::Wide(&user)), None, Some(Text::Wide(&password)));
    assert_eq!(code, OK);
    zeroize::Zeroize::zeroize(&mut password);
    assert!(occurrences(&disguised, MASK) > 0, "the search finds what is there");
    assert_eq!(set(None, None, None), OK);
    // A context that another test prepared meanwhile has captured it, and keeps it until it ends.
    let patience = Instant::now() + Duration::from_secs(60);
    while occurrences(&disguised, MASK) > 0 && Instant::now() < patience {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(occurrences(&disguised, MASK), 0);
}

/// How often the text occurs in the writable memory of this process.
fn occurrences(disguised: &[u16], mask: u16) -> usize {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let mut memory = std::fs::File::open("/proc/self/mem").unwrap();
    let first = (disguised[0] ^ mask).to_le_bytes();
    let mut found = 0;
    let mut chunk = vec![0u8; 1 << 20];
    for line in maps.lines().filter(|line| line.contains(" rw-p ")) {
        let (range, _) = line.split_once(' ').unwrap();
        let (start, end) = range.split_once('-').unwrap();
        let mut at = u64::from_str_radix(start, 16).unwrap();
        let end = u64::from_str_radix(end, 16).unwrap();
        while at < end {
            let length = usize::try_from((end - at).min(chunk.len() as u64)).unwrap();
            let part = &mut chunk[..length];
            if memory.seek(SeekFrom::Start(at)).is_err() || memory.read_exact(part).is_err() {
                break;
            }
            found += part
                .windows(disguised.len() * 2)
                .filter(|window| {
                    window[..2] == first
                        && window.chunks_exact(2).zip(disguised).all(|(unit, hidden)| {
                            u16::from_le_bytes([unit[0], unit[1]]) ^ mask == *hidden
                        })
                })
                .count();
            part.fill(0);
            at += length as u64;
        }
    }
    found
}
