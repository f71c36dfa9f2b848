//! A directory of logs in memory, to be changed.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::Path;

use super::LogBase;
use super::walk::{Piece, SECTOR, pieces, used_sectors};
use crate::seal::{seal_header, seal_page};
use crate::u32_at;

/// Bytes of a log header, and of a copy of the checkpoint.
const HEADER: usize = 4096;

/// Files by their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    files: BTreeMap<String, Vec<u8>>,
}

impl Folder {
    /// A copy of a base; `None` where it is absent.
    pub fn of(base: LogBase) -> Option<Self> {
        match base {
            LogBase::Set(name) => Some(Self::read(crate::set(name).path())),
            LogBase::Corpus(name) => Some(Self::read(&crate::corpus()?.unpacked().join(name))),
        }
    }

    /// The logs, checkpoints and databases of a directory; a temporary log is left out.
    pub fn read(directory: &Path) -> Self {
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let lower = name.to_ascii_lowercase();
            let counts =
                [".log", ".chk", ".edb", ".dat", ".dit"].iter().any(|e| lower.ends_with(e));
            if counts && !lower.ends_with("tmp.log") {
                files.insert(name, fs::read(entry.path()).unwrap());
            }
        }
        Self { files }
    }

    /// The files, by name.
    pub fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
    }

    /// Name of the only database.
    pub fn database(&self) -> &str {
        let is_database =
            |name: &&String| [".edb", ".dat", ".dit"].iter().any(|e| name.ends_with(e));
        self.files.keys().find(is_database).unwrap()
    }

    /// Writes everything into a directory that is there.
    pub fn write(&self, directory: &Path) -> std::io::Result<()> {
        self.files().try_for_each(|(name, bytes)| fs::write(directory.join(name), bytes))
    }

    /// A file's content.
    pub fn file(&self, name: &str) -> &[u8] {
        &self.files[name]
    }

    /// A file's content, to be changed.
    pub fn edit(&mut self, name: &str) -> &mut Vec<u8> {
        self.files.get_mut(name).unwrap()
    }

    /// Takes a file away.
    pub fn remove(&mut self, name: &str) -> Vec<u8> {
        self.files.remove(name).unwrap()
    }

    /// Puts a file in.
    pub fn put(&mut self, name: &str, bytes: Vec<u8>) {
        self.files.insert(name.to_owned(), bytes);
    }

    /// The name of the log with this generation in its header.
    pub fn log(&self, generation: u32) -> String {
        let has = |(name, bytes): &(&String, &Vec<u8>)| {
            name.ends_with(".log") && u32_at(bytes, 4) == generation
        };
        self.files.iter().find(has).unwrap().0.clone()
    }

    /// The highest generation.
    pub fn last_generation(&self) -> u32 {
        let logs = self.files.iter().filter(|(name, _)| name.ends_with(".log"));
        logs.map(|(_, bytes)| u32_at(bytes, 4)).max().unwrap()
    }

    /// The log of a generation, to be changed.
    pub fn edit_log(&mut self, generation: u32) -> &mut Vec<u8> {
        let name = self.log(generation);
        self.edit(&name)
    }

    /// A sector's place in a log.
    pub fn sector(sector: usize) -> Range<usize> {
        sector * SECTOR..(sector + 1) * SECTOR
    }

    /// The last sector of a log with a segment of its own.
    pub fn last_sector(&self, generation: u32) -> usize {
        used_sectors(self.file(&self.log(generation))).last().unwrap()
    }

    /// Gives a segment the checksum of its content.
    pub fn seal_segment(&mut self, generation: u32, sector: usize) {
        let number = u32::try_from(sector).unwrap();
        seal_page(&mut self.edit_log(generation)[Self::sector(sector)], number);
    }

    /// Gives the header of a log, or another block of 4096 bytes, the checksum of its content.
    pub fn seal_header(&mut self, name: &str, at: usize) {
        seal_header(&mut self.edit(name)[at..at + HEADER]);
    }

    /// Changes the header of a log.
    pub fn change_header(&mut self, generation: u32, change: impl FnOnce(&mut [u8])) {
        let name = self.log(generation);
        change(&mut self.edit(&name)[..HEADER]);
        self.seal_header(&name, 0);
    }

    /// The pieces of a log.
    pub fn pieces(&self, generation: u32) -> Vec<Piece> {
        pieces(self.file(&self.log(generation)))
    }

    /// The first whole record of a type from a generation on; the generation, and where it is.
    pub fn find(&self, from: u32, kind: u8) -> (u32, Piece) {
        let generations = from..=self.last_generation();
        let mut all = generations.flat_map(|g| self.pieces(g).into_iter().map(move |p| (g, p)));
        all.find(|(_, piece)| piece.kind == kind).unwrap()
    }

    /// Changes the first whole record of a type from a generation on, and seals its segment.
    pub fn change_record(&mut self, from: u32, kind: u8, change: impl FnOnce(&mut [u8])) {
        let (generation, piece) = self.find(from, kind);
        self.change_piece(generation, piece, change);
    }

    /// Changes a record, and seals its segment.
    pub fn change_piece(&mut self, generation: u32, piece: Piece, change: impl FnOnce(&mut [u8])) {
        change(&mut self.edit_log(generation)[piece.at..piece.at + piece.len]);
        self.seal_segment(generation, piece.sector());
    }

    /// Changes both copies of the database's header.
    pub fn change_database_header(&mut self, change: impl Fn(&mut [u8])) {
        let name = self.database().to_owned();
        let page_size = self.page_size();
        for copy in 0..2 {
            let block = &mut self.edit(&name)[copy * page_size..(copy + 1) * page_size];
            change(block);
            seal_header(block);
        }
    }

    /// Changes a page of the database, and seals it.
    pub fn change_page(&mut self, number: u32, change: impl FnOnce(&mut [u8])) {
        let name = self.database().to_owned();
        let page_size = self.page_size();
        let start = (usize::try_from(number).unwrap() + 1) * page_size;
        let page = &mut self.edit(&name)[start..start + page_size];
        change(page);
        seal_page(page, number);
    }

    fn page_size(&self) -> usize {
        match u32_at(self.file(self.database()), 236) {
            0 => 4096,
            size => usize::try_from(size).unwrap(),
        }
    }
}
