//! Packages: `cargo xtask dist` makes a `.deb` in `dist/` with the tool, the C library, headers,
//! man pages, completions and a hardened systemd unit, and lists what is in it.

use std::path::Path;
use std::process::Command;

use crate::service::{release_directory, said, tool};
use crate::{Outcome, c, root};

pub(crate) fn run(_: &[String]) -> Outcome {
    let tool = tool()?;
    let stage = root().join("target/dist");
    if stage.exists() {
        std::fs::remove_dir_all(&stage)?;
    }
    std::fs::create_dir_all(stage.join("man"))?;
    c::install(&stage)?;
    // The package is installed below /usr, wherever it was staged.
    let pc = stage.join("lib/pkgconfig/ntdsbcli.pc");
    let text = std::fs::read_to_string(&pc)?.replace(&stage.display().to_string(), "/usr");
    std::fs::write(&pc, text)?;
    check(Command::new(&tool).args(["man", "--out"]).arg(stage.join("man")))?;
    for (shell, file) in
        [("bash", "dsbackup.bash"), ("zsh", "_dsbackup"), ("fish", "dsbackup.fish")]
    {
        let output = Command::new(&tool).args(["completions", shell]).output()?;
        std::fs::write(stage.join(file), output.stdout)?;
    }
    let out = root().join("dist");
    std::fs::create_dir_all(&out)?;
    let cargo_deb = cargo_deb()?;
    check(
        Command::new(cargo_deb)
            .args(["deb", "--package", "dsbackup", "--no-build", "--output"])
            .arg(&out)
            .env("CARGO_TARGET_DIR", release_directory().parent().unwrap_or(Path::new(".")))
            .current_dir(root()),
    )?;
    for entry in std::fs::read_dir(&out)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "deb") {
            let listing = Command::new("dpkg-deb").arg("--contents").arg(&path).output()?;
            println!("{}\n{}", path.display(), String::from_utf8_lossy(&listing.stdout));
        }
    }
    Ok(())
}

/// cargo-deb, installed into the target folder where the machine has none.
fn cargo_deb() -> Outcome<std::path::PathBuf> {
    if Command::new("cargo-deb").arg("--version").output().is_ok_and(|o| o.status.success()) {
        return Ok("cargo-deb".into());
    }
    let tools = root().join("target/tools");
    let binary = tools.join("bin/cargo-deb");
    if !binary.exists() {
        check(
            Command::new(env!("CARGO"))
                .args(["install", "--quiet", "--locked", "cargo-deb", "--version", "^3", "--root"])
                .arg(&tools),
        )?;
    }
    Ok(binary)
}

fn check(command: &mut Command) -> Outcome {
    let output = command.output()?;
    if output.status.success() {
        Ok(())
    } else {
        Err(format!("{command:?}: {}", said(&output)).into())
    }
}
