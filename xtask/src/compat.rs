//! The table of result codes in `COMPAT.md`, made from the code itself.
//!
//! `cargo xtask compat` writes it; `cargo xtask compat --check` fails if it is not up to date.
//! Whether a code is raised is read from the sources: its constant, or the constant of the JET
//! error behind it, is named outside the tables.

use std::fmt::Write;
use std::process::Command;

use ntdsb::HResult;

use crate::{Outcome, root};

const BEGIN: &str = "<!-- codes: written by `cargo xtask compat` -->\n";
const END: &str = "<!-- end of codes -->";

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let path = root().join("COMPAT.md");
    let text = std::fs::read_to_string(&path)?;
    let (before, rest) = text.split_once(BEGIN).ok_or("no begin mark in COMPAT.md")?;
    let (_, after) = rest.split_once(END).ok_or("no end mark in COMPAT.md")?;
    let fresh = format!("{before}{BEGIN}{}{END}{after}", table()?);
    if arguments.iter().any(|argument| argument == "--check") {
        if fresh != text {
            return Err("COMPAT.md is not up to date: cargo xtask compat".into());
        }
    } else {
        std::fs::write(path, fresh)?;
    }
    Ok(())
}

fn table() -> Outcome<String> {
    let sources = sources()?;
    let mut table =
        String::from("| code | value | JET | raised | meaning |\n|---|---|---|---|---|\n");
    for code in HResult::all() {
        let jet = code.value.to_jet().filter(|&n| n != 0).map_or(String::new(), |n| n.to_string());
        let raised = if is_raised(code.name, code.value, &sources) { "yes" } else { "" };
        writeln!(
            table,
            "| {} | 0x{:08X} | {jet} | {raised} | {} |",
            code.name, code.value.0, code.meaning
        )?;
    }
    Ok(table)
}

fn is_raised(name: &str, value: HResult, sources: &str) -> bool {
    if value.is_ok() || sources.contains(&format!("HResult::{}", constant(name))) {
        return true;
    }
    let Some(jet) = value.to_jet() else { return false };
    let Some(jet_name) = ese_format::jet::name(jet) else { return false };
    let constant = constant(jet_name.trim_start_matches("JET_"));
    sources.contains(&format!("jet::{constant}"))
}

/// `hrInvalidParam` -> `HR_INVALID_PARAM`.
fn constant(name: &str) -> String {
    if !name.chars().any(char::is_lowercase) {
        return name.to_owned();
    }
    let mut constant = String::new();
    let mut previous_is_lower = false;
    for letter in name.chars() {
        if letter.is_uppercase() && previous_is_lower {
            constant.push('_');
        }
        previous_is_lower = letter.is_lowercase();
        constant.push(letter.to_ascii_uppercase());
    }
    constant
}

/// All sources of the libraries, tests and tables left out.
fn sources() -> Outcome<String> {
    let output =
        Command::new("git").args(["ls-files", "crates/*/src/*.rs"]).current_dir(root()).output()?;
    let mut all = String::new();
    for path in String::from_utf8(output.stdout)?.lines() {
        let is_table = path.contains("/hresult") || path.ends_with("/jet.rs");
        if !is_table && !path.ends_with("tests.rs") {
            let text = std::fs::read_to_string(root().join(path))?;
            all.push_str(text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default());
        }
    }
    Ok(all)
}
