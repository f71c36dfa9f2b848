//! A restore by the documented walk-through.
//!
//! ```text
//! check the set -> Prepare with its token -> locations -> Register (durable: the directory does
//! not start from here on) -> copy beside the places, checked -> remove what was there, rename
//! -> RegisterComplete -> End
//! ```
//!
//! Whatever fails after Register is reported by RegisterComplete with an error, so that the
//! directory does not start until a restore has succeeded. Files that are replaced are removed
//! only after every copy has been checked.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use backup_set::manifest::{FileEntry, FileKind};
use backup_set::progress::Phase;
use backup_set::restore::{self, Restored};
use backup_set::{Progress, SetReader};
use ese_format::log_name::LogName;
use ntdsb::unc::Volumes;
use ntdsb::{FileType, HResult};
use ntdsbcli::{ListEntry, RestoreContext, RestoreMap, RestoreRegistration, Server};
use vfs::os::Os;
use vfs::{Storage, durable};

use crate::exit::{Exit, Failure};
use crate::interrupt::Interrupt;
use crate::output::Bars;

/// Reads `--volume LETTER=DIR`.
pub(super) fn volumes(arguments: &[String]) -> Result<Vec<(char, String)>, Failure> {
    let read = |text: &String| {
        let (letter, root) = text.split_once('=')?;
        let mut letters = letter.chars();
        match (letters.next(), letters.next()) {
            (Some(letter), None) => Some((letter, root.to_owned())),
            _ => None,
        }
    };
    arguments
        .iter()
        .map(|text| {
            read(text).ok_or_else(|| {
                Failure::new(Exit::Usage, format!("--volume {text:?}: expected LETTER=DIR"))
            })
        })
        .collect()
}

/// What is said when the user stopped a restore.
pub(super) fn interrupted() -> Failure {
    Failure::new(Exit::Interrupted, "interrupted; the restore is not complete")
        .advise("Restore again from the start; until then nothing takes the files for whole.")
}

/// What becomes of a database and logs that lie where the restored ones belong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Present {
    /// They stop the restore before it begins.
    Refuse,
    /// They are replaced, once every copy has been checked.
    Replace,
}

/// Restores `set` through `server`, which must be in restore mode on this computer.
pub(crate) fn restore_to_service(
    set: &SetReader,
    server: &Server,
    volumes: &[(char, String)],
    present: Present,
    interrupt: &Interrupt,
    bars: &Bars,
) -> Result<Restored, Failure> {
    restore::check_set(set, bars)?;
    let token = set.token()?;
    if server.is_online()? {
        let text = format!("{}: the directory is online", server.name());
        return Err(Failure::new(Exit::Refused, text)
            .advise("Stop the service and start it with --restore-mode, then restore again."));
    }
    let mut context = RestoreContext::prepare(server, Some(&token))?;
    interrupt.cancels(context.canceller());
    let places = Places::of(&context.locations()?, volumes)?;
    let (low, high) = set.manifest().log_range().unwrap_or((0, 0));
    let plan = places.plan(set)?;
    if present == Present::Refuse {
        plan.refuse_present(&places)?;
    }
    context.register(&RestoreRegistration {
        checkpoint_directory: places.checkpoint.published.clone(),
        log_directory: places.logs.published.clone(),
        map: plan.map.clone(),
        backup_log_directory: places.logs.published.clone(),
        generations: low..=high,
    })?;
    match plan.execute(set, &places, bars) {
        Ok(()) => context.register_complete(HResult::S_OK)?,
        Err(failure) => {
            plan.remove_partial();
            report(&mut context, &failure);
            return Err(failure);
        }
    }
    context.end()?;
    let bytes = set.manifest().total_size();
    Ok(Restored { files: plan.files, bytes, recovered: Vec::new() })
}

/// Tells the service that the restore failed. It holds the directory back in any case: this only
/// says why.
fn report(context: &mut RestoreContext, failure: &Failure) {
    let code = match failure.exit {
        Exit::Interrupted => HResult::ERROR_CANCELLED,
        _ => failure.code.unwrap_or(HResult::HR_DISK_IO),
    };
    let cancelled = |e: &ntdsbcli::Error| e.code() == HResult::ERROR_CANCELLED;
    if context.register_complete(code).is_err_and(|e| cancelled(&e)) {
        // The user's interruption was meant for the copying, not for this call.
        let _ = context.register_complete(code);
    }
}

/// A place that the service named.
#[derive(Debug, Clone)]
struct Place {
    published: String,
    local: PathBuf,
}

/// Where the service wants its files.
#[derive(Debug)]
struct Places {
    database: Place,
    logs: Place,
    checkpoint: Place,
}

impl Places {
    fn of(locations: &[ListEntry], volumes: &[(char, String)]) -> Result<Self, Failure> {
        let place = |file_type: FileType| {
            let mut fitting = locations.iter().filter(|entry| entry.file_type == file_type);
            match (fitting.next(), fitting.next()) {
                (Some(entry), None) => to_local(&entry.path, volumes),
                (None, _) => Err(Failure::new(
                    Exit::Failed,
                    format!("the service named no place for {}", file_type.name()),
                )),
                _ => Err(Failure::new(
                    Exit::Failed,
                    format!("the service named several places for {}", file_type.name()),
                )),
            }
        };
        Ok(Self {
            database: place(FileType::Database)?,
            logs: place(FileType::LogDirectory)?,
            checkpoint: place(FileType::CheckpointDirectory)?,
        })
    }

    /// Which file goes where.
    fn plan(&self, set: &SetReader) -> Result<Plan, Failure> {
        let manifest = set.manifest();
        let mut databases = manifest.databases();
        let (Some(database), None) = (databases.next(), databases.next()) else {
            return Err(Failure::new(
                Exit::Unusable,
                format!("{}: holds several databases, the service has one", set.dir().display()),
            ));
        };
        let map = vec![RestoreMap {
            database: database.published.clone(),
            new_database: self.database.published.clone(),
        }];
        let files = manifest.files.iter().filter_map(|entry| {
            let to = match entry.kind {
                FileKind::NtdsDatabase => self.database.local.clone(),
                _ => self.logs.local.join(entry.set_path().ok()?.name()),
            };
            Some((entry.clone(), to))
        });
        Ok(Plan { map, files: files.collect() })
    }
}

/// The local path of a published name. The client copies the files, so it has to be on the same
/// computer as the service.
fn to_local(published: &str, volumes: &[(char, String)]) -> Result<Place, Failure> {
    let server = published.trim_start_matches('\\').split('\\').next().unwrap_or_default();
    let volumes = volumes.iter().map(|(letter, root)| (*letter, root.as_str()));
    let volumes =
        Volumes::new(server, volumes).map_err(|e| Failure::new(Exit::Usage, e.to_string()))?;
    let local = volumes.to_local(published).map_err(|_| {
        Failure::new(Exit::Usage, format!("{published}: which directory is meant is not known"))
            .advise("Give the volumes of the service's configuration, such as --volume C=/srv/c.")
    })?;
    Ok(Place { published: published.to_owned(), local: local.into() })
}

#[derive(Debug)]
struct Plan {
    map: Vec<RestoreMap>,
    files: Vec<(FileEntry, PathBuf)>,
}

impl Plan {
    fn execute(&self, set: &SetReader, places: &Places, bars: &Bars) -> Result<(), Failure> {
        for dir in self.directories() {
            Os.create_dir_all(dir)?;
        }
        for (entry, to) in &self.files {
            let from = set.path_of(entry).unwrap_or_default();
            bars.begin(Phase::Copy, &entry.name, entry.size);
            restore::copy_verified(set, entry, &from, &Os, &partial(to), bars)?;
        }
        for (entry, to) in &self.files {
            bars.begin(Phase::CheckCopy, &entry.name, entry.size);
            restore::check_copy(entry, &Os, &partial(to), bars)?;
        }
        self.remove_old(places)?;
        for (_, to) in &self.files {
            Os.rename(&partial(to), to)?;
        }
        for dir in self.directories() {
            Os.sync_dir(dir)?;
        }
        Ok(())
    }

    /// Fails if a database or logs lie where the restored ones belong.
    fn refuse_present(&self, places: &Places) -> Result<(), Failure> {
        let mut present = self.old_files(places)?;
        present.extend(self.files.iter().map(|(_, to)| to.clone()));
        match present.iter().find(|path| Os.metadata(path).is_ok()) {
            None => Ok(()),
            Some(path) => {
                let text = format!("{}: is there already; nothing was changed", path.display());
                Err(Failure::new(Exit::Refused, text)
                    .advise("Move the old files away, or say --overwrite to replace them."))
            }
        }
    }

    /// Removes what a recovery would take for its own. Other files in these folders are nobody's
    /// business here.
    fn remove_old(&self, places: &Places) -> Result<(), Failure> {
        for path in self.old_files(places)? {
            durable::remove(&Os, &path)?;
        }
        Ok(())
    }

    /// Logs, checkpoint and flush map of the database that is replaced, as far as they are there.
    fn old_files(&self, places: &Places) -> Result<Vec<PathBuf>, Failure> {
        let mut bases: BTreeSet<[u8; 3]> = self
            .files
            .iter()
            .filter_map(|(_, path)| LogName::parse(path.file_name()?.to_str()?))
            .map(|name| name.base.map(|b| b.to_ascii_lowercase()))
            .collect();
        bases.insert(*b"edb");
        let is_old = |name: &str| {
            let checkpoint = name.to_ascii_lowercase();
            let checkpoint = checkpoint.strip_suffix(".chk").map(str::as_bytes);
            let base = LogName::parse(name).map(|n| n.base.map(|b| b.to_ascii_lowercase()));
            base.is_some_and(|base| bases.contains(&base))
                || checkpoint.is_some_and(|base| bases.iter().any(|b| b == base))
        };
        let mut old = vec![places.database.local.with_extension("jfm")];
        for dir in BTreeSet::from([&places.logs.local, &places.checkpoint.local]) {
            let names = list(dir)?.into_iter().filter(|name| is_old(name));
            old.extend(names.map(|name| dir.join(name)));
        }
        Ok(old)
    }

    fn directories(&self) -> BTreeSet<&Path> {
        self.files.iter().map(|(_, path)| durable::parent(path)).collect()
    }

    fn remove_partial(&self) {
        for (_, to) in &self.files {
            // What cannot be removed has a name that nobody takes for a database or log.
            let _ = Os.remove_file(&partial(to));
        }
    }
}

/// The names of the files in a folder; none if there is no folder.
fn list(dir: &Path) -> Result<Vec<String>, Failure> {
    let entries = match Os.list(dir) {
        Err(e) if e.is_not_found() => return Ok(Vec::new()),
        other => other?,
    };
    let files = entries.into_iter().filter(|entry| !entry.is_dir);
    Ok(files.filter_map(|entry| entry.name.into_string().ok()).collect())
}

fn partial(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(restore::PARTIAL);
    name.into()
}
