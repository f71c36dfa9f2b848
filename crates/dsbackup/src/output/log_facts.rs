//! What `info` says of logs and checkpoints: the JSON form, and the text made from it.

use std::path::Path;

use ese_format::log::attach;
use ese_format::log::checkpoint::{self, ShadowedCheckpoint};
use ese_format::log::instance_parameters::{self, InstanceParameters};
use ese_format::log::record::RecordText;
use ese_format::log_header::{self, LogHeader};
use ese_format::log_name::{LogName, LogRole};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::output::facts::{table, to_json};
use crate::output::human::{Style, size};

/// What the header of a log says.
#[derive(Debug, Serialize)]
pub(crate) struct LogFacts {
    path: String,
    generation: u32,
    role: &'static str,
    file_bytes: u64,
    format: String,
    readable: bool,
    problem: Option<String>,
    fields: Map<String, Value>,
    parameters: Parameters,
    attached: Vec<Attached>,
    #[serde(skip)]
    lines: Vec<(String, String)>,
    #[serde(skip)]
    created: String,
}

/// What a checkpoint file says.
#[derive(Debug, Serialize)]
pub(crate) struct CheckpointFacts {
    path: String,
    copies: [&'static str; 2],
    fields: Map<String, Value>,
    parameters: Parameters,
    attached: Vec<Attached>,
    #[serde(skip)]
    lines: Vec<(String, String)>,
}

/// Parameters of the instance that wrote a file.
#[derive(Debug, Default, Serialize)]
struct Parameters {
    system_path: String,
    log_path: String,
    #[serde(flatten)]
    fields: Map<String, Value>,
    #[serde(skip)]
    lines: Vec<(String, String)>,
}

/// A database of a list of attached ones.
#[derive(Debug, Serialize)]
struct Attached {
    database: u8,
    name: String,
    flags: u8,
    dbtime: u64,
    last_objid: u32,
    max_pages: u32,
    attach_position: String,
    consistent_position: String,
    signature: String,
}

impl LogFacts {
    pub(crate) fn of(path: &Path, header: &LogHeader, file_bytes: u64) -> Self {
        let fields = || log_header::FIELDS.iter().map(|f| (f.name, f.value(header)));
        let name = path.file_name().and_then(|name| LogName::parse(name.to_str()?));
        let format = header.check_format();
        Self {
            path: path.display().to_string(),
            generation: header.generation.0,
            role: match name.map(|name| name.role) {
                Some(LogRole::Current) => "current",
                Some(LogRole::Archived(..)) => "archived",
                Some(LogRole::Temporary) => "temporary",
                Some(LogRole::Reserve) => "reserve",
                None => "other",
            },
            file_bytes,
            format: header.version().to_string(),
            readable: format.is_ok(),
            problem: format.err().map(|error| error.to_string()),
            fields: fields().map(|(name, value)| (name.to_owned(), to_json(value))).collect(),
            parameters: Parameters::of(header.instance_parameters()),
            attached: attached(header.attachments()),
            lines: fields().map(|(name, value)| (name.to_owned(), value.to_string())).collect(),
            created: header.created.to_string(),
        }
    }

    pub(crate) fn generation(&self) -> u32 {
        self.generation
    }

    /// All of it.
    pub(crate) fn text(&self, style: Style) -> String {
        let mut text = style.title(&self.path);
        let kind = format!("log, {}", self.role);
        let bytes = size(self.file_bytes);
        let mut lines = vec![("kind", kind.as_str()), ("size", &bytes), ("format", &self.format)];
        if let Some(problem) = &self.problem {
            lines.push(("not read", problem));
        }
        table(&mut text, lines.into_iter());
        text.push_str("\n  header:");
        table(&mut text, self.lines.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        parts(&mut text, &self.parameters, &self.attached, "attached where the file begins");
        text
    }

    /// One line of a list of logs.
    pub(crate) fn line(&self) -> String {
        let name = Path::new(&self.path).file_name().unwrap_or_default().to_string_lossy();
        let problem = self.problem.as_ref().map_or(String::new(), |text| format!("  {text}"));
        format!(
            "{name:16} {:>6x}  {}  {:>10}  {}{problem}",
            self.generation,
            self.created,
            size(self.file_bytes),
            self.format
        )
    }
}

impl CheckpointFacts {
    pub(crate) fn of(path: &Path, shadowed: &ShadowedCheckpoint) -> Self {
        let one = &shadowed.checkpoint;
        let fields = || checkpoint::FIELDS.iter().map(|f| (f.name, f.value(one)));
        let state = |sound| if sound { "good" } else { "damaged" };
        Self {
            path: path.display().to_string(),
            copies: shadowed.sound.map(state),
            fields: fields().map(|(name, value)| (name.to_owned(), to_json(value))).collect(),
            parameters: Parameters::of(one.instance_parameters()),
            attached: if one.has_attachments() { attached(one.attachments()) } else { Vec::new() },
            lines: fields().map(|(name, value)| (name.to_owned(), value.to_string())).collect(),
        }
    }

    pub(crate) fn text(&self, style: Style) -> String {
        let mut text = style.title(&self.path);
        let [first, second] = self.copies;
        let copies = format!("first {first}, second {second}");
        table(&mut text, [("kind", "checkpoint"), ("copies", &copies)].into_iter());
        text.push_str("\n  header:");
        table(&mut text, self.lines.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        parts(&mut text, &self.parameters, &self.attached, "attached at the checkpoint");
        text
    }
}

impl Parameters {
    fn of(bytes: &[u8]) -> Self {
        let Some(parameters) = InstanceParameters::parse(bytes) else { return Self::default() };
        let fields = || instance_parameters::FIELDS.iter().map(|f| (f.name, f.value(&parameters)));
        Self {
            system_path: parameters.system_path(),
            log_path: parameters.log_path(),
            fields: fields().map(|(name, value)| (name.to_owned(), to_json(value))).collect(),
            lines: fields().map(|(name, value)| (name.to_owned(), value.to_string())).collect(),
        }
    }
}

fn attached(list: &[u8]) -> Vec<Attached> {
    let of = |entry: attach::AttachEntry<'_>| {
        let wide = entry.flags & attach::AttachEntry::WIDE != 0;
        Attached {
            database: entry.database.0,
            name: RecordText { bytes: entry.name, wide }.to_string(),
            flags: entry.flags,
            dbtime: entry.dbtime.0,
            last_objid: entry.last_objid,
            max_pages: entry.max_pages,
            attach_position: entry.attach.to_string(),
            consistent_position: entry.consistent.to_string(),
            signature: entry.signature.to_string(),
        }
    };
    attach::entries(list).map(of).collect()
}

/// Parameters and attached databases.
fn parts(text: &mut String, parameters: &Parameters, attached: &[Attached], title: &str) {
    text.push_str("\n  written by an instance with:");
    let paths = [
        ("system_path", parameters.system_path.as_str()),
        ("log_path", parameters.log_path.as_str()),
    ];
    let fields = parameters.lines.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    table(text, paths.into_iter().chain(fields));
    text.push_str(&format!("\n  {title}:"));
    if attached.is_empty() {
        text.push_str(" none");
    }
    for one in attached {
        let (dbtime, max) = (format!("{:#x}", one.dbtime), one.max_pages.to_string());
        let (number, objid) = (one.database.to_string(), one.last_objid.to_string());
        let lines = [
            ("database", number.as_str()),
            ("name", &one.name),
            ("dbtime", &dbtime),
            ("last_objid", &objid),
            ("max_pages", &max),
            ("attach_position", &one.attach_position),
            ("consistent_position", &one.consistent_position),
            ("signature", &one.signature),
        ];
        table(text, lines.into_iter());
    }
}
