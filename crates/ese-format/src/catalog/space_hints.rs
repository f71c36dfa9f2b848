//! Space hints: how a tree should grow.
//!
//! ```text
//! 0   1  version, 1
//! 1   4  and so on: numbers, of which zeros at the end are left out (whole bytes)
//!
//! tables                             maintenance: flags, density, growth, smallest, largest extent
//! indexes, long values               first size, then as tables
//! long values to come (in a table)   first density, first size, then as tables
//! ```
//!
//! Densities and growth are percentages, sizes and extents bytes.
//! Source: ESE `JET_SPACEHINTS` (jethdr.w), `CCatSpaceHints` (cat.cxx).

/// Which numbers a field of space hints begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SpaceHintsKind {
    /// `SpaceHints` of a table.
    Table,
    /// `SpaceHints` of an index or of long values.
    Index,
    /// `SpaceDeferredLVHints` of a table.
    DeferredLongValues,
}

/// How a tree should grow. What the row does not say is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SpaceHints {
    /// First density, percent.
    pub initial_density: u32,
    /// First size, bytes.
    pub initial_size: u32,
    /// Flags; 1: use the parent's space. ESE: `JET_bitSpaceHints...`.
    pub flags: u32,
    /// Density to keep, percent.
    pub maintenance_density: u32,
    /// Growth of extents, percent.
    pub growth: u32,
    /// Smallest extent, bytes.
    pub min_extent: u32,
    /// Largest extent, bytes.
    pub max_extent: u32,
}

impl SpaceHints {
    const VERSION: u8 = 1;

    /// Reads the field; `None` for another version, or if there are more numbers than are known.
    pub fn parse(bytes: &[u8], kind: SpaceHintsKind) -> Option<Self> {
        let (version, numbers) = bytes.split_first()?;
        let skipped = match kind {
            SpaceHintsKind::Table => 2,
            SpaceHintsKind::Index => 1,
            SpaceHintsKind::DeferredLongValues => 0,
        };
        let mut all = [0; 7 * 4];
        let room = all.get_mut(4 * skipped..)?.get_mut(..numbers.len())?;
        room.copy_from_slice(numbers);
        if *version != Self::VERSION {
            return None;
        }
        let (words, _) = all.as_chunks::<4>();
        let mut words = words.iter().map(|word| u32::from_le_bytes(*word));
        Some(Self {
            initial_density: words.next()?,
            initial_size: words.next()?,
            flags: words.next()?,
            maintenance_density: words.next()?,
            growth: words.next()?,
            min_extent: words.next()?,
            max_extent: words.next()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_at_the_end_are_left_out() {
        let hints = SpaceHints::parse(&[1, 0, 0x40, 0x0B, 0], SpaceHintsKind::Index).unwrap();
        assert_eq!(hints, SpaceHints { initial_size: 0xB_4000, ..SpaceHints::default() });
        let hints = SpaceHints::parse(&[1, 0, 0x40, 0x0B], SpaceHintsKind::Index).unwrap();
        assert_eq!(hints.initial_size, 0xB_4000);
        let hints = SpaceHints::parse(&[1, 1], SpaceHintsKind::Table).unwrap();
        assert_eq!(hints, SpaceHints { flags: 1, ..SpaceHints::default() });
    }

    #[test]
    fn hints_for_long_values_to_come_begin_with_a_density() {
        let mut bytes = [0; 29];
        bytes[0] = 1;
        let words: [u32; 7] = [100, 0, 2, 100, 200, 0x8000, 0x8_0000];
        for (to, word) in bytes[1..].chunks_mut(4).zip(words) {
            to.copy_from_slice(&word.to_le_bytes());
        }
        let hints = SpaceHints::parse(&bytes, SpaceHintsKind::DeferredLongValues).unwrap();
        let expected = SpaceHints {
            initial_density: 100,
            initial_size: 0,
            flags: 2,
            maintenance_density: 100,
            growth: 200,
            min_extent: 0x8000,
            max_extent: 0x8_0000,
        };
        assert_eq!(hints, expected);
        assert_eq!(SpaceHints::parse(&bytes, SpaceHintsKind::Index), None);
    }

    #[test]
    fn other_versions_are_refused() {
        assert_eq!(SpaceHints::parse(&[2, 1], SpaceHintsKind::Table), None);
        assert_eq!(SpaceHints::parse(&[], SpaceHintsKind::Table), None);
    }
}
