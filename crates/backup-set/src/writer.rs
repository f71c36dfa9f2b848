//! Writing a set from streams.
//!
//! The order makes a crash harmless: each file is synced when it ends, the names of all files are
//! synced before the manifest is written, and the manifest is given its name atomically. So a
//! folder with a manifest holds a whole set, whenever the machine stops.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ese::DatabaseFile;
use ese_format::PageNumber;
use vfs::{File, OpenMode, Operation, Storage, durable};

use crate::behind::{Unit, WriteBehind};
use crate::copy::Digest;
use crate::facts;
use crate::manifest::{
    Backup, Directory, FORMAT_VERSION, FileEntry, FileKind, HeaderFacts, Manifest, ManifestError,
    Operator, TOKEN_SIZE_MAX, TokenEntry, Tool,
};
use crate::name::{LOGS, MANIFEST, SetPath, TOKEN};
use crate::{Error, Result};

/// A set that is being written. Dropping it unfinished removes what it wrote.
#[derive(Debug)]
pub struct SetWriter {
    storage: Arc<dyn Storage>,
    dir: PathBuf,
    made_dir: bool,
    written: Vec<PathBuf>,
    token: Option<TokenEntry>,
    files: Vec<FileEntry>,
    finished: bool,
}

/// The parts of the manifest that only the caller knows.
#[derive(Debug, Clone)]
pub struct Description {
    /// What writes the set.
    pub tool: Tool,
    /// Which backup it is.
    pub backup: Backup,
    /// Who makes it.
    pub operator: Operator,
    /// Whose data it is; the signatures are filled in from the database's header.
    pub directory: Directory,
    /// When the backup cannot be restored any more, RFC 3339 UTC.
    pub not_after: Option<String>,
}

impl SetWriter {
    /// Begins a set in `dir`, which is made, or exists and is empty.
    ///
    /// # Errors
    ///
    /// [`Error::NotEmpty`] if `dir` holds anything.
    pub fn create(storage: Arc<dyn Storage>, dir: &Path) -> Result<Self> {
        let made_dir = match storage.list(dir) {
            Ok(entries) => {
                if let Some(entry) = entries.first() {
                    let found = entry.name.to_string_lossy().into_owned();
                    return Err(Error::NotEmpty { dir: dir.to_owned(), found });
                }
                false
            }
            Err(e) if e.is_not_found() => true,
            Err(e) => return Err(e.into()),
        };
        let writer = Self {
            storage,
            dir: dir.to_owned(),
            made_dir,
            written: Vec::new(),
            token: None,
            files: Vec::new(),
            finished: false,
        };
        writer.storage.create_dir_all(&dir.join(LOGS))?;
        writer.storage.sync_dir(durable::parent(dir))?;
        Ok(writer)
    }

    /// Stores the expiry token, durable on return.
    pub fn put_token(&mut self, token: &[u8]) -> Result<()> {
        let path = self.dir.join(TOKEN);
        let size = token.len() as u64;
        if size > TOKEN_SIZE_MAX {
            return Err(Error::Manifest { path, reason: ManifestError::TokenSize });
        }
        self.written.push(path.clone());
        durable::replace(self.storage.as_ref(), &path, token)?;
        self.token = Some(TokenEntry {
            name: TOKEN.to_owned(),
            size,
            blake3: blake3::hash(token).to_hex().to_string(),
            not_after: None,
        });
        Ok(())
    }

    /// Begins a file that the service publishes as `published`.
    ///
    /// Its place in the set is its last component, beside the manifest or in `logs/`.
    pub fn begin(&mut self, kind: FileKind, published: &str) -> Result<FileWriter<'_>> {
        let place = kind
            .place(published)
            .map_err(|reason| Error::Name { name: published.to_owned(), reason })?;
        if self.files.iter().any(|f| f.name.to_lowercase() == place.folded()) {
            return Err(Error::DuplicateName { name: place.to_string() });
        }
        let path = place.below(&self.dir);
        let file = self.storage.open(&path, OpenMode::CreateNew)?;
        self.written.push(path.clone());
        Ok(FileWriter {
            set: self,
            file,
            path,
            kind,
            published: published.to_owned(),
            place,
            hasher: blake3::Hasher::new(),
            size: 0,
            behind: None,
            failed: false,
        })
    }

    /// The files stored so far.
    pub fn files(&self) -> &[FileEntry] {
        &self.files
    }

    /// Makes it a set: syncs all names, then writes the manifest.
    ///
    /// # Errors
    ///
    /// [`Error::Incomplete`] without token or database. On any error the set is removed.
    pub fn finish(mut self, description: Description) -> Result<Manifest> {
        let mut token = self.token.take().ok_or(Error::Incomplete { what: "token" })?;
        token.not_after = description.not_after;
        let mut directory = description.directory;
        for file in &self.files {
            if let Some(HeaderFacts::Database { signature, log_signature, .. }) = &file.header {
                directory.database_signature.get_or_insert_with(|| signature.clone());
                directory.log_signature.get_or_insert_with(|| log_signature.clone());
            }
        }
        let manifest = Manifest {
            format_version: FORMAT_VERSION,
            tool: description.tool,
            backup: description.backup,
            operator: description.operator,
            directory,
            token,
            files: std::mem::take(&mut self.files),
        };
        let path = self.dir.join(MANIFEST);
        let bytes = manifest.to_bytes().map_err(|reason| match reason {
            ManifestError::NoDatabase => Error::Incomplete { what: "database" },
            reason => Error::Manifest { path: path.clone(), reason },
        })?;
        self.storage.sync_dir(&self.dir.join(LOGS))?;
        self.storage.sync_dir(&self.dir)?;
        self.written.push(path.clone());
        durable::replace(self.storage.as_ref(), &path, &bytes)?;
        self.finished = true;
        Ok(manifest)
    }

    /// Removes everything that was written.
    pub fn abort(mut self) -> Result<()> {
        self.finished = true;
        self.remove()
    }

    fn remove(&mut self) -> Result<()> {
        let storage = self.storage.as_ref();
        let mut result = Ok(());
        let mut keep_first = |r: vfs::Result<()>| match r {
            Err(e) if !e.is_not_found() && result.is_ok() => result = Err(e.into()),
            _ => {}
        };
        // The manifest, if it came so far, was written last and goes first: what remains after a
        // crash in here must not look whole.
        for path in self.written.drain(..).rev() {
            keep_first(storage.remove_file(&path));
            if path.file_name().is_some_and(|name| name == MANIFEST || name == TOKEN) {
                let mut temporary = path.into_os_string();
                temporary.push(".tmp");
                keep_first(storage.remove_file(Path::new(&temporary)));
                keep_first(storage.sync_dir(&self.dir));
            }
        }
        keep_first(storage.remove_dir(&self.dir.join(LOGS)));
        if self.made_dir {
            keep_first(storage.remove_dir(&self.dir));
        }
        result
    }
}

impl Drop for SetWriter {
    fn drop(&mut self) {
        if !self.finished {
            // Nobody is left to be told; without a manifest the rest is no set.
            let _ = self.remove();
        }
    }
}

/// A file of a set that is being written.
#[derive(Debug)]
pub struct FileWriter<'a> {
    set: &'a mut SetWriter,
    file: Arc<dyn File>,
    path: PathBuf,
    kind: FileKind,
    published: String,
    place: SetPath,
    hasher: blake3::Hasher,
    size: u64,
    behind: Option<WriteBehind>,
    /// Something before `size` is not in the file.
    failed: bool,
}

impl FileWriter<'_> {
    /// The place of the file in the set.
    pub fn place(&self) -> &SetPath {
        &self.place
    }

    /// Bytes taken so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The page that comes next, if the file has the header of a database: what to name when the
    /// stream stops at a damaged page. Waits until what was taken is written.
    pub fn next_page(&mut self) -> Option<PageNumber> {
        self.settle().ok()?;
        let database = DatabaseFile::open(self.set.storage.clone(), &self.path).ok()?;
        PageNumber::at_file_offset(self.size, database.page_size())
    }

    /// Appends `bytes`, which are in the file on return.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`], after which the file cannot be finished.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.settle()?;
        let written = self.file.write_all_at(bytes, self.size);
        self.noted(written)?;
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// Appends `unit` without a copy: a large one is hashed here while a thread writes it, and may
    /// not be in the file yet on return. At most four units are held.
    ///
    /// # Errors
    ///
    /// As [`Self::write`]; the error may be that of a unit appended before.
    pub fn append(&mut self, unit: impl AsRef<[u8]> + Send + Sync + 'static) -> Result<()> {
        if self.behind.is_none() && unit.as_ref().len() >= BEHIND_MIN {
            self.intact()?;
            self.behind = WriteBehind::start(&self.file, &self.path, self.size);
        }
        let Some(behind) = &mut self.behind else {
            return self.write(unit.as_ref());
        };
        let unit: Unit = Arc::new(unit);
        let taken = behind.put(Arc::clone(&unit));
        self.noted(taken)?;
        let bytes = (*unit).as_ref();
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// Waits until everything before `size` is in the file.
    fn settle(&mut self) -> Result<()> {
        let ended = self.behind.take().map_or(Ok(()), |mut behind| behind.end());
        self.noted(ended)?;
        self.intact()
    }

    fn intact(&self) -> Result<()> {
        if self.failed {
            let source = std::io::Error::other("an earlier write to the file failed");
            return Err(vfs::Error::new(Operation::Write, &self.path, source).into());
        }
        Ok(())
    }

    fn noted(&mut self, result: vfs::Result<()>) -> Result<()> {
        self.failed |= result.is_err();
        Ok(result?)
    }

    /// Ends the file: checks the announced length, syncs the content, notes the entry.
    pub fn finish(mut self, announced: u64) -> Result<FileEntry> {
        if self.size != announced {
            return Err(Error::StreamLength {
                path: self.place.to_string(),
                expected: announced,
                found: self.size,
            });
        }
        self.settle()?;
        self.file.sync()?;
        let digest = Digest { size: self.size, hash: self.hasher.finalize() };
        let facts = facts::of_file(&self.set.storage, &self.path, self.kind)?;
        let entry = FileEntry {
            name: self.place.to_string(),
            published: self.published,
            kind: self.kind,
            bft: self.kind.bft(),
            size: digest.size,
            blake3: digest.hash.to_hex().to_string(),
            first_generation: facts.first_generation,
            last_generation: facts.last_generation,
            header: facts.header,
        };
        self.set.files.push(entry.clone());
        Ok(entry)
    }
}

/// From a unit of this many bytes on there is a thread that writes: beginning it costs some tens
/// of microseconds, writing this much twice that, and files with such units mostly have many.
const BEHIND_MIN: usize = 256 << 10;
