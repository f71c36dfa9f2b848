//! Kills recoveries in place, at moments that nobody chose, and recoveries of the rest again.
//!
//! Each round takes a fresh copy of a database that was not shut down, kills its recovery up to
//! three times, and lets the next one run to its end. Then the pages, and the dump, are those of an
//! undisturbed recovery, `verify --level full` is clean, and nothing is left of the recoveries that
//! were killed. Said is in which phase the kills fell:
//!
//! | phase | what lies there after the kill |
//! |---|---|
//! | before | nothing has changed |
//! | journal | the journal is being written |
//! | committed | the journal has its name and is being carried out |
//! | done | the database is clean |

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::kill::Random;
use crate::service::{said, tool};

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let rounds: u32 = arguments.first().map_or(Ok(200), |n| n.parse())?;
    let seed: u64 = arguments.get(1).map_or(Ok(u64::from(std::process::id())), |n| n.parse())?;
    println!(
        "kill-recover: {rounds} rounds, seed {seed} (again: cargo xtask kill-recover {rounds} \
         {seed})"
    );
    let mut random = Random(seed | 1);
    let tool = tool()?;
    let small = testkit::set("crash_8k_e");
    let mut sources = vec![(small.path().to_owned(), "test.edb")];
    match testkit::corpus() {
        Some(corpus) => {
            sources.push((corpus.unpacked().join("ntds-2019-dirty/files"), "ntds.dit"));
        }
        None => println!("a directory of 24 MiB: NOT KILLED, the corpus is not there"),
    }
    let each = rounds.div_ceil(u32::try_from(sources.len())?);
    for (source, database) in sources {
        let undisturbed = Undisturbed::new(&tool, &source, database)?;
        let mut phases = BTreeMap::new();
        for round in 0..each {
            undisturbed
                .round(&mut random, &mut phases)
                .map_err(|reason| format!("{database}, round {round}: {reason}"))?;
        }
        let kills: u32 = phases.values().sum();
        println!(
            "{database}: {each} rounds, {kills} kills: {phases:?}; always the same pages and dump \
             as undisturbed ({:?}), verify clean, nothing left",
            undisturbed.whole
        );
    }
    Ok(())
}

/// A recovery that nobody disturbed.
struct Undisturbed<'a> {
    tool: &'a Path,
    source: &'a Path,
    database: &'a str,
    whole: Duration,
    pages: Vec<u8>,
    dump: Vec<u8>,
    names: Vec<String>,
}

impl<'a> Undisturbed<'a> {
    fn new(tool: &'a Path, source: &'a Path, database: &'a str) -> Outcome<Self> {
        let home = copy(source)?;
        let mut one = Self {
            tool,
            source,
            database,
            whole: Duration::ZERO,
            pages: Vec::new(),
            dump: Vec::new(),
            names: Vec::new(),
        };
        let began = Instant::now();
        let output = one.recover(home.path()).output()?;
        one.whole = began.elapsed();
        if !output.status.success() {
            return Err(format!("the undisturbed run failed: {}", said(&output)).into());
        }
        (one.pages, one.dump) = (one.pages(home.path())?, one.dump(home.path())?);
        one.names = names(home.path())?;
        Ok(one)
    }

    fn recover(&self, home: &Path) -> Command {
        let mut command = Command::new(self.tool);
        command.args(["--quiet", "recover", "--in-place"]).arg(home);
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    /// All pages, without the two blocks of the header.
    fn pages(&self, home: &Path) -> Outcome<Vec<u8>> {
        let bytes = std::fs::read(home.join(self.database))?;
        Ok(bytes.get(2 * 8192..).unwrap_or_default().to_vec())
    }

    fn dump(&self, home: &Path) -> Outcome<Vec<u8>> {
        let output = Command::new(self.tool)
            .args(["--quiet", "dump"])
            .arg(home.join(self.database))
            .output()?;
        if output.status.success() { Ok(output.stdout) } else { Err(said(&output).into()) }
    }

    fn round(&self, random: &mut Random, phases: &mut BTreeMap<&'static str, u32>) -> Outcome {
        let home = copy(self.source)?;
        for _ in 0..=random.below(Duration::from_micros(3)).as_micros() {
            let mut child = self.recover(home.path()).spawn()?;
            std::thread::sleep(random.below(self.whole + self.whole / 8));
            child.kill()?;
            child.wait()?;
            *phases.entry(self.phase(home.path())?).or_default() += 1;
        }
        let output = self.recover(home.path()).output()?;
        if !output.status.success() {
            return Err(format!("the last run failed: {}", said(&output)).into());
        }
        if self.pages(home.path())? != self.pages {
            return Err("the pages are others than those of an undisturbed recovery".into());
        }
        if self.dump(home.path())? != self.dump {
            return Err("the dump is another than that of an undisturbed recovery".into());
        }
        let found = names(home.path())?;
        if found != self.names {
            return Err(format!("files: {found:?}, expected {:?}", self.names).into());
        }
        let verify = Command::new(self.tool)
            .args(["verify", "--level", "full"])
            .arg(home.path())
            .output()?;
        if verify.status.success() { Ok(()) } else { Err(said(&verify).into()) }
    }

    /// How far the recovery came that was killed.
    fn phase(&self, home: &Path) -> Outcome<&'static str> {
        let journal = home.join(format!("{}.recovery", self.database));
        if journal.exists() {
            return Ok("committed");
        }
        if home.join(format!("{}.recovery.partial", self.database)).exists() {
            return Ok("journal");
        }
        let info = Command::new(self.tool)
            .args(["--json", "info"])
            .arg(home.join(self.database))
            .output()?;
        let clean = String::from_utf8_lossy(&info.stdout).contains("\"state\":\"CleanShutdown\"");
        Ok(if clean { "done" } else { "before" })
    }
}

/// A copy of a folder.
fn copy(source: &Path) -> Outcome<tempfile::TempDir> {
    let home = tempfile::tempdir()?;
    for entry in std::fs::read_dir(source)? {
        let entry = entry?;
        std::fs::copy(entry.path(), home.path().join(entry.file_name()))?;
    }
    Ok(home)
}

/// The names in a folder.
fn names(folder: &Path) -> Outcome<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path: PathBuf = entry?.path();
        names.push(path.file_name().unwrap_or_default().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}
