//! Kills, at moments that nobody chose: client and service, in backup and in restore.
//!
//! * The client at N random moments of a backup: its context runs down and a new backup begins
//!   within a second; no set that looks whole is left.
//! * The service at N random moments of a backup: the client fails with the code of a broken
//!   connection and leaves no set.
//! * Client or service at N random moments of a restore: a second restore from the start succeeds,
//!   and the service never goes online on half-restored files.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::service::{Hosting, Service, said, tool};

/// Exit code of the tool when the other end failed.
const OTHER_END_FAILED: i32 = 5;

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let rounds: u32 = arguments.first().map_or(Ok(50), |n| n.parse())?;
    let seed: u64 = arguments.get(1).map_or(Ok(u64::from(std::process::id())), |n| n.parse())?;
    println!("kill: {rounds} rounds, seed {seed} (again: cargo xtask kill {rounds} {seed})");
    let mut world = World::new(Random(seed | 1))?;
    world.client_in_backup(rounds)?;
    world.service_in_backup(rounds)?;
    world.client_in_restore(rounds)?;
    world.service_in_restore(rounds)
}

struct World {
    tool: PathBuf,
    scratch: tempfile::TempDir,
    dit: PathBuf,
    random: Random,
}

impl World {
    fn new(random: Random) -> Outcome<Self> {
        let scratch = tempfile::tempdir()?;
        let source = testkit::set("crash_8k_e");
        for entry in std::fs::read_dir(source.path())? {
            let entry = entry?;
            let home = scratch.path().join("live");
            std::fs::create_dir_all(&home)?;
            std::fs::copy(entry.path(), home.join(entry.file_name()))?;
        }
        let dit = scratch.path().join("live/test.edb");
        Ok(Self { tool: tool()?, scratch, dit, random })
    }

    fn service(&self, restore_mode: bool) -> Outcome<Service> {
        Service::start(&Hosting {
            tool: &self.tool,
            dit: &self.dit,
            scratch: self.scratch.path(),
            restore_mode,
        })
    }

    fn backup(&self, service: &Service, set: &Path) -> Command {
        let mut command = Command::new(&self.tool);
        command.arg("--quiet").arg("backup").arg(&service.socket).arg("--out").arg(set);
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    fn restore(&self, service: &Service, set: &Path) -> Command {
        let mut command = Command::new(&self.tool);
        command.arg("--quiet").arg("restore").arg(set).arg("--overwrite");
        command.arg("--server").arg(&service.socket);
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    /// How long a whole run takes, so that the moments fall into it.
    fn duration(mut command: Command) -> Outcome<Duration> {
        let started = Instant::now();
        let output = command.output()?;
        if !output.status.success() {
            return Err(format!("the undisturbed run failed: {}", said(&output)).into());
        }
        Ok(started.elapsed())
    }

    fn client_in_backup(&mut self, rounds: u32) -> Outcome {
        let service = self.service(false)?;
        let whole = Self::duration(self.backup(&service, &self.fresh("whole")))?;
        let (mut killed, mut slowest) = (0, Duration::ZERO);
        for round in 0..rounds {
            let set = self.fresh("set");
            let mut child = self.backup(&service, &set).spawn()?;
            std::thread::sleep(self.random.below(whole));
            child.kill()?;
            let died = !child.wait()?.success();
            killed += u32::from(died);
            let gone = Instant::now();
            if died && looks_whole(&set) && !verifies(&self.tool, &set)? {
                return Err(format!("round {round}: a half set looks whole").into());
            }
            let next = self.fresh("next");
            let output = self.backup(&service, &next).output()?;
            let took = gone.elapsed();
            slowest = slowest.max(took);
            if !output.status.success() || took > whole + Duration::from_secs(1) {
                let text = said(&output);
                return Err(format!("round {round}: no backup within a second: {text}").into());
            }
        }
        println!(
            "client killed in backup: {killed} of {rounds} in the midst; \
             the next whole backup was done after {slowest:?} at most (undisturbed: {whole:?})"
        );
        Ok(())
    }

    fn service_in_backup(&mut self, rounds: u32) -> Outcome {
        let service = self.service(false)?;
        let whole = Self::duration(self.backup(&service, &self.fresh("whole")))?;
        drop(service);
        let (mut broken, mut in_mid_context) = (0, 0);
        for round in 0..rounds {
            let mut service = self.service(false)?;
            let set = self.fresh("set");
            let child = self.backup(&service, &set).spawn()?;
            std::thread::sleep(self.random.below(whole));
            service.kill()?;
            let output = child.wait_with_output()?;
            if output.status.success() {
                continue;
            }
            broken += 1;
            let text = said(&output);
            // Before the connection was made, there was nobody to connect to.
            let right_code = text.contains("hrCommunicationError")
                || text.contains("hrCouldNotConnect")
                || text.contains("no connection to the service");
            in_mid_context += u32::from(text.contains("hrCommunicationError"));
            if output.status.code() != Some(OTHER_END_FAILED) || !right_code || looks_whole(&set) {
                return Err(format!("round {round}: {}: {text}", output.status).into());
            }
        }
        println!(
            "service killed in backup: {broken} of {rounds} in the midst; \
             exit {OTHER_END_FAILED}, hrCommunicationError in {in_mid_context} of them (else no \
             connection yet), no set left"
        );
        Ok(())
    }

    fn client_in_restore(&mut self, rounds: u32) -> Outcome {
        let set = self.good_set()?;
        let service = self.service(true)?;
        let whole = Self::duration(self.restore(&service, &set))?;
        drop(service);
        let mut killed = 0;
        for round in 0..rounds {
            let service = self.service(true)?;
            let mut child = self.restore(&service, &set).spawn()?;
            std::thread::sleep(self.random.below(whole));
            child.kill()?;
            killed += u32::from(!child.wait()?.success());
            drop(service);
            self.nothing_half_goes_online(round)?;
            self.second_restore_succeeds(round, &set)?;
        }
        println!(
            "client killed in restore: {killed} of {rounds} in the midst; \
             a second restore succeeded each time"
        );
        Ok(())
    }

    fn service_in_restore(&mut self, rounds: u32) -> Outcome {
        let set = self.good_set()?;
        let service = self.service(true)?;
        let whole = Self::duration(self.restore(&service, &set))?;
        drop(service);
        let mut broken = 0;
        for round in 0..rounds {
            let mut service = self.service(true)?;
            let child = self.restore(&service, &set).spawn()?;
            std::thread::sleep(self.random.below(whole));
            service.kill()?;
            broken += u32::from(!child.wait_with_output()?.status.success());
            drop(service);
            self.nothing_half_goes_online(round)?;
            self.second_restore_succeeds(round, &set)?;
        }
        println!(
            "service killed in restore: {broken} of {rounds} in the midst; \
             a second restore succeeded each time"
        );
        Ok(())
    }

    fn good_set(&self) -> Outcome<PathBuf> {
        let service = self.service(false)?;
        let set = self.fresh("good");
        Self::duration(self.backup(&service, &set))?;
        Ok(set)
    }

    /// Started normally, the service either is offline or hosts a database that verifies.
    fn nothing_half_goes_online(&self, round: u32) -> Outcome {
        let Ok(service) = self.service(false) else { return Ok(()) };
        let online =
            Command::new(&self.tool).args(["--quiet", "online"]).arg(&service.socket).status()?;
        drop(service);
        if online.success() && !verifies(&self.tool, &self.dit)? {
            return Err(format!("round {round}: half-restored files went online").into());
        }
        Ok(())
    }

    fn second_restore_succeeds(&self, round: u32, set: &Path) -> Outcome {
        let service = self.service(true)?;
        let output = self.restore(&service, set).output()?;
        if !output.status.success() {
            return Err(format!("round {round}: second restore: {}", said(&output)).into());
        }
        drop(service);
        let service = self.service(false)?;
        let online =
            Command::new(&self.tool).args(["--quiet", "online"]).arg(&service.socket).status()?;
        if !online.success() {
            return Err(format!("round {round}: not online after a whole restore").into());
        }
        Ok(())
    }

    /// A path in the scratch folder where nothing is.
    fn fresh(&self, name: &str) -> PathBuf {
        let path = self.scratch.path().join(name);
        if path.exists() {
            drop(std::fs::remove_dir_all(&path));
        }
        path
    }
}

fn looks_whole(set: &Path) -> bool {
    set.join("manifest.json").exists()
}

fn verifies(tool: &Path, path: &Path) -> Outcome<bool> {
    Ok(Command::new(tool).args(["--quiet", "verify"]).arg(path).output()?.status.success())
}

/// xorshift64*: enough to pick moments, and repeatable from its seed.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, limit: Duration) -> Duration {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let drawn = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32;
        let micros = limit.as_micros().saturating_mul(u128::from(drawn)) >> 32;
        Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }
}
