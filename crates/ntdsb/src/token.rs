//! The expiry token: how old a backup may become, and what it is a backup of.
//!
//! To programs it is opaque bytes that are stored with the backup and given back at restore.
//! **The format is this project's own**; Microsoft's is not published, and is neither written nor
//! read. Version 1, all numbers little-endian:
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 8 | magic `DSBTOKEN` |
//! | 8 | 2 | major version, 1; a reader refuses any other |
//! | 10 | 2 | minor version, 0; a reader accepts higher ones and ignores what it does not know |
//! | 12 | 4 | total length, tag included |
//! | 16 | 4 | header length: where the variable part begins, 208 in version 1.0 |
//! | 20 | 4 | [`Flags`] |
//! | 24 | 8 | start of the backup, FILETIME |
//! | 32 | 8 | not valid after, FILETIME: start + lifetime |
//! | 40 | 4 | effective lifetime in days |
//! | 44 | 4 | tombstoneLifetime in days as read, 0 if absent |
//! | 48 | 4 | msDS-DeletedObjectLifetime in days as read, 0 if absent |
//! | 52 | 4 | page size of the database |
//! | 56 | 16 | backup id |
//! | 72 | 16 | objectGUID of the DSA |
//! | 88 | 16 | invocationId at backup |
//! | 104 | 16 | objectGUID of the domain, or zero |
//! | 120 | 8 | highest committed USN at the start |
//! | 128 | 4 | lowest log generation required |
//! | 132 | 4 | DSA epoch, 0 if absent |
//! | 136 | 28 | database signature |
//! | 164 | 28 | log signature, zero if unlogged |
//! | 192 | 16 | key id: first 16 bytes of BLAKE3(key), zero if not keyed |
//! | 208 | 2 + n | DNS host name of the DSA: length, UTF-8 |
//! | | 2 + n | DN of the domain naming context: length, UTF-8 |
//! | | 0-7 | zeros, to a multiple of 8 |
//! | end - 32 | 32 | tag: BLAKE3, plain or keyed, of all bytes before it |
//!
//! The plain tag detects damage, not forgery: whoever can write the token can also set the clock.
//! The keyed one proves that this installation made it, to whoever has the key. A keyed token of
//! another installation cannot be checked at all ([`TagState::UnknownKey`]), and damage to its key
//! id looks the same.
//!
//! Source: our own format; that a token holds the time of the backup and the tombstone lifetime is
//! in the Platform SDK documentation of `DsBackupPrepare` (2000).

use ms_dtyp::{FileTime, Guid};

use crate::HResult;

#[cfg(test)]
mod tests;

/// The content of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpiryToken {
    /// What kind of backup it is of. [`Flags::KEYED`] is set and cleared by encoding.
    pub flags: Flags,
    /// When the backup started.
    pub start: FileTime,
    /// For how many days from then on it may be restored: 1 to 36 500.
    pub lifetime_days: u32,
    /// tombstoneLifetime in days as read, 0 if absent.
    pub tombstone_lifetime_days: u32,
    /// msDS-DeletedObjectLifetime in days as read, 0 if absent.
    pub deleted_object_lifetime_days: u32,
    /// Page size of the database in bytes.
    pub page_size: u32,
    /// Random name of this backup.
    pub backup_id: Guid,
    /// objectGUID of the nTDSDSA object.
    pub dsa: Guid,
    /// invocationId at the time of the backup.
    pub invocation_id: Guid,
    /// objectGUID of the domain, or nil.
    pub domain: Guid,
    /// Highest committed USN at the start.
    pub highest_usn: u64,
    /// Lowest log generation required: that of the checkpoint at the start.
    pub lowest_generation: u32,
    /// DSA epoch, 0 if absent.
    pub epoch: u32,
    /// The database's signature: random number, LOGTIME, computer name.
    pub database_signature: [u8; 28],
    /// The log's signature, zero if unlogged.
    pub log_signature: [u8; 28],
    /// DNS host name of the DSA; not empty.
    pub host_name: String,
    /// Distinguished name of the domain naming context; not empty.
    pub domain_dn: String,
}

/// Flag bits of a token. Unknown ones are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flags(pub u32);

impl Flags {
    /// The tag is keyed.
    pub const KEYED: Self = Self(1 << 0);
    /// A copy: does not count as "last backup".
    pub const COPY: Self = Self(1 << 1);
    /// The recycle bin was enabled.
    pub const RECYCLE_BIN: Self = Self(1 << 2);
    /// An incremental backup (an extension).
    pub const INCREMENTAL: Self = Self(1 << 3);
    /// The database was served read-only.
    pub const READ_ONLY: Self = Self(1 << 4);

    /// Whether all bits of `other` are set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// These bits and those of `other`.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// These bits without those of `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

/// The key of an installation.
pub type Key = [u8; 32];

/// What the tag of a token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TagState {
    /// Unkeyed: not damaged.
    Undamaged,
    /// Keyed with the key given: made by this installation.
    Authentic,
    /// Keyed with another key; nothing could be checked. Whether that will do is a matter of
    /// policy.
    UnknownKey {
        /// First 16 bytes of BLAKE3 of that key.
        key_id: [u8; 16],
    },
}

/// What the clock says about a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expiry {
    /// Within the lifetime.
    Valid,
    /// The clock is before the start of the backup, by so many ticks of 100 ns. Accepted; worth a
    /// warning above a day.
    BeforeStart {
        /// How much earlier.
        ticks: u64,
    },
    /// The lifetime is over.
    Expired,
}

/// Why a token cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The lifetime is 0 or above 36 500 days, or ends after the range of FILETIME.
    #[error("a lifetime of {days} days cannot be written to a token")]
    Lifetime {
        /// The lifetime.
        days: u32,
    },
    /// A name is empty, or both together are shorter than 5 bytes or too long for 4096 in all.
    #[error("host name and domain name have {bytes} bytes together, which does not fit a token")]
    Names {
        /// Both lengths.
        bytes: usize,
    },
}

/// Why bytes are no token. The function returns `hrUnknownExpiryTokenFormat` for all of them; the
/// reason is for the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Shorter than 256 or longer than 4096 bytes.
    #[error("the token has {bytes} bytes; tokens have 256 to 4096")]
    Size {
        /// The length.
        bytes: usize,
    },
    /// It does not begin with the magic.
    #[error("the token does not begin with DSBTOKEN")]
    Magic,
    /// Another major version.
    #[error("the token has version {major}; this is version 1")]
    Version {
        /// The version.
        major: u16,
    },
    /// The length field is not the length.
    #[error("the token says that it has {field} bytes, but has {bytes}")]
    Length {
        /// The field.
        field: u32,
        /// The length.
        bytes: usize,
    },
    /// The header is too short, or reaches into the tag.
    #[error("the token's header length is {field}")]
    HeaderLength {
        /// The field.
        field: u32,
    },
    /// The tag does not fit the bytes before it.
    #[error("the token is damaged: its tag does not fit")]
    Tag,
    /// Flag and key id contradict each other.
    #[error("the token is damaged: keyed and unkeyed at once")]
    KeyId,
    /// The lifetime is 0 or above 36 500 days.
    #[error("the token's lifetime is {days} days")]
    Lifetime {
        /// The lifetime.
        days: u32,
    },
    /// The end is not start + lifetime.
    #[error("the token's end is not its start and lifetime")]
    NotAfter,
    /// A name reaches beyond the end or is not UTF-8.
    #[error("the token's {what} is cut short or not UTF-8")]
    Name {
        /// Which name.
        what: &'static str,
    },
}

impl DecodeError {
    /// What DsRestorePrepare returns.
    #[must_use]
    pub const fn code(&self) -> HResult {
        HResult::HR_UNKNOWN_EXPIRY_TOKEN_FORMAT
    }
}

/// A token that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// Its content.
    pub token: ExpiryToken,
    /// What its tag says.
    pub tag: TagState,
}

impl ExpiryToken {
    /// The last instant at which the backup may be restored.
    #[must_use]
    pub fn not_after(&self) -> Option<FileTime> {
        self.start.checked_add_days(self.lifetime_days)
    }

    /// What the clock says. The token's own lifetime decides, not the directory's present one.
    #[must_use]
    pub fn expiry(&self, now: FileTime) -> Expiry {
        match self.not_after() {
            Some(not_after) if now <= not_after && now < self.start => {
                Expiry::BeforeStart { ticks: self.start.ticks_since(now) }
            }
            Some(not_after) if now <= not_after => Expiry::Valid,
            _ => Expiry::Expired,
        }
    }

    /// The token as bytes, with a keyed tag if there is a key.
    ///
    /// # Errors
    /// [`EncodeError`]: a field has a value that a reader would refuse.
    pub fn encode(&self, key: Option<&Key>) -> Result<Vec<u8>, EncodeError> {
        let days = self.lifetime_days;
        let not_after = self
            .not_after()
            .filter(|_| (1..=LIFETIME_MAXIMUM_DAYS).contains(&days))
            .ok_or(EncodeError::Lifetime { days })?;
        let names = [self.host_name.as_bytes(), self.domain_dn.as_bytes()];
        let length = token_length(names)?;

        let mut writer = Writer(Vec::with_capacity(MAXIMUM));
        writer.bytes(MAGIC);
        writer.bytes(&MAJOR.to_le_bytes());
        writer.bytes(&MINOR.to_le_bytes());
        writer.u32(length);
        writer.u32(HEADER_LENGTH);
        let flags = self.flags.without(Flags::KEYED);
        writer.u32(if key.is_some() { flags.with(Flags::KEYED) } else { flags }.0);
        writer.u64(self.start.0);
        writer.u64(not_after.0);
        writer.u32(days);
        writer.u32(self.tombstone_lifetime_days);
        writer.u32(self.deleted_object_lifetime_days);
        writer.u32(self.page_size);
        for guid in [self.backup_id, self.dsa, self.invocation_id, self.domain] {
            writer.bytes(guid.as_bytes());
        }
        writer.u64(self.highest_usn);
        writer.u32(self.lowest_generation);
        writer.u32(self.epoch);
        writer.bytes(&self.database_signature);
        writer.bytes(&self.log_signature);
        writer.bytes(&key.map(key_id).unwrap_or_default());
        for name in names {
            // The sum of both lengths fits the token, so each fits its field.
            writer.bytes(&u16::try_from(name.len()).unwrap_or(0).to_le_bytes());
            writer.bytes(name);
        }
        writer.0.resize(writer.0.len().next_multiple_of(8), 0);
        let tag = tag(&writer.0, key);
        writer.bytes(&tag);
        Ok(writer.0)
    }

    /// The token out of bytes, which may be anything.
    ///
    /// `key` is the key of this installation, if it has one.
    ///
    /// # Errors
    /// [`DecodeError`]: the first rule that the bytes break.
    pub fn decode(bytes: &[u8], key: Option<&Key>) -> Result<Decoded, DecodeError> {
        let body = frame(bytes)?;
        let mut reader = Reader { body, at: FLAGS_OFFSET };
        let token = Self::read(&mut reader)?;
        let key_id: [u8; 16] = reader.array();
        let tag = check_tag(bytes, token.flags, key_id, key)?;
        Ok(Decoded { token, tag })
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let flags = Flags(reader.u32());
        let start = FileTime(reader.u64());
        let not_after = FileTime(reader.u64());
        let days = reader.u32();
        if !(1..=LIFETIME_MAXIMUM_DAYS).contains(&days) {
            return Err(DecodeError::Lifetime { days });
        }
        if start.checked_add_days(days) != Some(not_after) {
            return Err(DecodeError::NotAfter);
        }
        let (host_name, domain_dn) = reader.names()?;
        Ok(Self {
            flags,
            start,
            lifetime_days: days,
            tombstone_lifetime_days: reader.u32(),
            deleted_object_lifetime_days: reader.u32(),
            page_size: reader.u32(),
            backup_id: reader.guid(),
            dsa: reader.guid(),
            invocation_id: reader.guid(),
            domain: reader.guid(),
            highest_usn: reader.u64(),
            lowest_generation: reader.u32(),
            epoch: reader.u32(),
            database_signature: reader.array(),
            log_signature: reader.array(),
            host_name,
            domain_dn,
        })
    }
}

/// The effective lifetime in days of a backup of a directory.
///
/// `tombstone_lifetime` is the attribute's value, absent where it has none (60 days then, Windows'
/// default), at least 2. With the recycle bin enabled, `deleted_object_lifetime` bounds it too;
/// absent, it equals the tombstone lifetime.
#[must_use]
pub fn effective_lifetime_days(
    tombstone_lifetime: Option<u32>,
    recycle_bin: bool,
    deleted_object_lifetime: Option<u32>,
) -> u32 {
    let bounded = |days: u32| days.clamp(LIFETIME_MINIMUM_DAYS, LIFETIME_MAXIMUM_DAYS);
    let tombstone = bounded(tombstone_lifetime.unwrap_or(LIFETIME_DEFAULT_DAYS));
    match deleted_object_lifetime {
        Some(days) if recycle_bin => tombstone.min(bounded(days)),
        _ => tombstone,
    }
}

/// First 16 bytes of BLAKE3 of a key: names it without telling it.
#[must_use]
pub fn key_id(key: &Key) -> [u8; 16] {
    let hash = blake3::hash(key);
    let (id, _) = hash.as_bytes().split_first_chunk().unwrap_or((&[0; 16], &[]));
    *id
}

fn tag(body: &[u8], key: Option<&Key>) -> [u8; TAG] {
    match key {
        Some(key) => blake3::keyed_hash(key, body).into(),
        None => blake3::hash(body).into(),
    }
}

/// Checks everything about the lengths; returns the bytes before the tag.
fn frame(bytes: &[u8]) -> Result<&[u8], DecodeError> {
    if !(MINIMUM..=MAXIMUM).contains(&bytes.len()) {
        return Err(DecodeError::Size { bytes: bytes.len() });
    }
    let body = bytes.get(..bytes.len().saturating_sub(TAG)).unwrap_or_default();
    let mut reader = Reader { body, at: 0 };
    if reader.array() != *MAGIC {
        return Err(DecodeError::Magic);
    }
    let major = u16::from_le_bytes(reader.array());
    if major != MAJOR {
        return Err(DecodeError::Version { major });
    }
    let _minor: [u8; 2] = reader.array();
    let field = reader.u32();
    if usize::try_from(field) != Ok(bytes.len()) {
        return Err(DecodeError::Length { field, bytes: bytes.len() });
    }
    let field = reader.u32();
    if field < HEADER_LENGTH || usize::try_from(field).map_or(true, |length| length > body.len()) {
        return Err(DecodeError::HeaderLength { field });
    }
    Ok(body)
}

fn check_tag(
    bytes: &[u8],
    flags: Flags,
    key_id: [u8; 16],
    key: Option<&Key>,
) -> Result<TagState, DecodeError> {
    let keyed = flags.contains(Flags::KEYED);
    if keyed == (key_id == [0; 16]) {
        return Err(DecodeError::KeyId);
    }
    let key = match (keyed, key) {
        (false, _) => None,
        (true, Some(key)) if self::key_id(key) == key_id => Some(key),
        (true, _) => return Ok(TagState::UnknownKey { key_id }),
    };
    let (body, found) = bytes.split_last_chunk::<TAG>().ok_or(DecodeError::Tag)?;
    // Comparing hashes as `blake3::Hash` takes the same time wherever they differ.
    if blake3::Hash::from_bytes(tag(body, key)) != blake3::Hash::from_bytes(*found) {
        return Err(DecodeError::Tag);
    }
    Ok(if keyed { TagState::Authentic } else { TagState::Undamaged })
}

fn token_length(names: [&[u8]; 2]) -> Result<u32, EncodeError> {
    let bytes = names.iter().map(|name| name.len()).sum::<usize>();
    let body = HEADER_LENGTH as usize + 4 + bytes;
    u32::try_from(body.next_multiple_of(8) + TAG)
        .ok()
        .filter(|&length| (MINIMUM..=MAXIMUM).contains(&(length as usize)))
        .filter(|_| names.iter().all(|name| !name.is_empty()))
        .ok_or(EncodeError::Names { bytes })
}

struct Writer(Vec<u8>);

impl Writer {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn u32(&mut self, value: u32) {
        self.bytes(&value.to_le_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.bytes(&value.to_le_bytes());
    }
}

/// Reads the fixed part, whose presence [`frame`] has made sure of: what is not there reads as
/// zeros.
struct Reader<'a> {
    body: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn array<const N: usize>(&mut self) -> [u8; N] {
        let array = self.body.get(self.at..).and_then(<[u8]>::first_chunk).copied();
        self.at = self.at.saturating_add(N);
        array.unwrap_or([0; N])
    }

    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.array())
    }

    fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.array())
    }

    fn guid(&mut self) -> Guid {
        Guid::from_bytes(self.array())
    }

    /// The two names, which begin where the header length says.
    fn names(&self) -> Result<(String, String), DecodeError> {
        let header_length = Reader { body: self.body, at: HEADER_LENGTH_OFFSET }.u32();
        let mut rest = usize::try_from(header_length)
            .ok()
            .and_then(|at| self.body.get(at..))
            .ok_or(DecodeError::HeaderLength { field: header_length })?;
        let mut next = |what| -> Result<String, DecodeError> {
            let cut = DecodeError::Name { what };
            let (length, behind) = rest.split_first_chunk().ok_or(cut)?;
            let length = usize::from(u16::from_le_bytes(*length));
            let (name, behind) = behind.split_at_checked(length).ok_or(cut)?;
            rest = behind;
            std::str::from_utf8(name).map(str::to_owned).map_err(|_| cut)
        };
        Ok((next("host name")?, next("domain name")?))
    }
}

const MAGIC: &[u8; 8] = b"DSBTOKEN";
const MAJOR: u16 = 1;
const MINOR: u16 = 0;
const HEADER_LENGTH_OFFSET: usize = 16;
const FLAGS_OFFSET: usize = 20;
const HEADER_LENGTH: u32 = 208;
const TAG: usize = 32;
/// Shortest token in bytes.
pub const MINIMUM: usize = 256;
/// Longest token in bytes.
pub const MAXIMUM: usize = 4096;
const LIFETIME_DEFAULT_DAYS: u32 = 60;
const LIFETIME_MINIMUM_DAYS: u32 = 2;
const LIFETIME_MAXIMUM_DAYS: u32 = 36_500;
