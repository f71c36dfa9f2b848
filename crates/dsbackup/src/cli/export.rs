//! `dsbackup export`: a table as CSV.
//!
//! Lines and quotes are those of RFC 4180: CR LF, a header line, quotes where a value needs them
//! and doubled inside.
//!
//! | value | text |
//! |---|---|
//! | null | nothing |
//! | text of no length | `""` |
//! | truth | `true`, `false` |
//! | numbers | decimal |
//! | date | its 64 bits, 16 hexadecimal digits: what they mean is the application's affair |
//! | GUID | its usual text |
//! | binary | hexadecimal digits |
//! | several values | joined by `;`; in each `\` is `\\` and `;` is `\;` |
//! | what cannot be read | `#error` |
//!
//! Text that is not valid UTF-16 has U+FFFD where it is not: a dump has the bytes.

use std::io::Write;

use ese::{Column, Error, Row, Salvage, Value};

use crate::cli::dump::{ended, table};
use crate::cli::opened::{Reading, open};
use crate::exit::{Exit, Failure};
use crate::output::Output;

/// Write a table as CSV.
///
/// One line with the names of the columns, then one a row. Null is an empty field, text of no
/// length a pair of quotes; binary values are hexadecimal; several values of a column are joined
/// by semicolons, with backslashes in front of those inside.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    dsbackup export ntds.dit --table link_table --csv > links.csv\n\n\
    Exit code 1 if a value could not be read or something was left out.")]
pub(crate) struct Export {
    #[command(flatten)]
    reading: Reading,

    /// The table.
    #[arg(long, value_name = "NAME")]
    table: String,

    /// Comma-separated values (RFC 4180); the only form there is.
    #[arg(long, required = true)]
    csv: bool,

    /// Read round damaged pages, and say what was left out.
    #[arg(long)]
    salvage: bool,
}

pub(crate) fn run(args: &Export, output: &Output) -> Result<Exit, Failure> {
    let database = open(&args.reading, args.salvage, output)?;
    let table = table(&database, &args.table)?;
    let mut sheet = Sheet { out: output.stream(), buffer: Vec::new(), output, exit: Exit::Done };
    sheet.header(table.columns());
    let mut stopped = None;
    if args.salvage {
        for row in Salvage::new(&database).rows(&table) {
            match row {
                Ok(row) => sheet.row(&row),
                Err(gap) => {
                    sheet.exit = Exit::Findings;
                    output.warning(&format!("table {}: left out {gap}", table.name()));
                }
            }
            if let Err(error) = sheet.flush(BUFFER) {
                return ended(&error);
            }
        }
    } else {
        for row in table.rows() {
            match row {
                Ok(row) => sheet.row(&row),
                Err(error) => {
                    stopped = Some(error);
                    break;
                }
            }
            if let Err(error) = sheet.flush(BUFFER) {
                return ended(&error);
            }
        }
    }
    if let Err(error) = sheet.flush(0) {
        return ended(&error);
    }
    if let Some(error) = stopped {
        let mut failure = Failure::from(error).during(&format!("table {} ends early", args.table));
        failure.advice = Some("Read round the damage with --salvage, or use a sound copy.".into());
        return Err(failure);
    }
    Ok(sheet.exit)
}

/// Bytes that are gathered before they are written.
const BUFFER: usize = 1 << 20;

struct Sheet<'o, W: Write> {
    out: W,
    buffer: Vec<u8>,
    output: &'o Output,
    exit: Exit,
}

impl<W: Write> Sheet<'_, W> {
    fn header(&mut self, columns: &[Column]) {
        for (place, column) in (0..).zip(columns) {
            if place > 0 {
                self.buffer.push(b',');
            }
            field(&mut self.buffer, column.name());
        }
        self.buffer.extend_from_slice(b"\r\n");
    }

    fn row(&mut self, row: &Row<'_>) {
        for (place, column) in (0..).zip(row.table().columns()) {
            if place > 0 {
                self.buffer.push(b',');
            }
            match row.get_all(column) {
                Ok(values) => cell(&mut self.buffer, column, &values),
                Err(error) => self.error(column, &error),
            }
        }
        self.buffer.extend_from_slice(b"\r\n");
    }

    fn error(&mut self, column: &Column, error: &Error) {
        self.exit = Exit::Findings;
        self.buffer.extend_from_slice(b"#error");
        self.output.warning(&format!("column {}: {error}", column.name()));
    }

    /// Writes what was gathered if it has at least `least` bytes.
    fn flush(&mut self, least: usize) -> std::io::Result<()> {
        if self.buffer.len() >= least {
            self.out.write_all(&self.buffer)?;
            self.buffer.clear();
        }
        if least == 0 { self.out.flush() } else { Ok(()) }
    }
}

/// One cell of a line.
fn cell(out: &mut Vec<u8>, column: &Column, values: &[Value<'_>]) {
    match values {
        [] => {}
        [one] if !column.is_multi_valued() => field(out, &text(one)),
        several => {
            let escape = |value| text(value).replace('\\', "\\\\").replace(';', "\\;");
            let texts: Vec<String> = several.iter().map(escape).collect();
            field(out, &texts.join(";"));
        }
    }
}

/// A field, in quotes where it needs them.
fn field(out: &mut Vec<u8>, text: &str) {
    let quotes = text.is_empty() || text.contains([',', '"', '\r', '\n']);
    if !quotes {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    out.push(b'"');
    out.extend_from_slice(text.replace('"', "\"\"").as_bytes());
    out.push(b'"');
}

fn text(value: &Value<'_>) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bit(bit) => bit.is_set().to_string(),
        Value::UnsignedByte(number) => number.to_string(),
        Value::Short(number) => number.to_string(),
        Value::Long(number) => number.to_string(),
        Value::Currency(number) | Value::LongLong(number) => number.to_string(),
        Value::IeeeSingle(number) => number.to_string(),
        Value::IeeeDouble(number) => number.to_string(),
        Value::DateTime(date) => format!("{:016x}", date.to_bits()),
        Value::Text(text) => text.decode_lossy().into_owned(),
        Value::UnsignedLong(number) => number.to_string(),
        Value::Guid(guid) => guid.to_string(),
        Value::UnsignedShort(number) => number.to_string(),
        Value::UnsignedLongLong(number) => number.to_string(),
        other => {
            let bytes = other.to_bytes().unwrap_or_default();
            bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(digit).collect()
        }
    }
}

fn digit(nibble: u8) -> char {
    char::from_digit(nibble.into(), 16).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        for (text, expected) in [
            ("", "\"\""),
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("two\r\nlines", "\"two\r\nlines\""),
        ] {
            let mut out = Vec::new();
            field(&mut out, text);
            assert_eq!(String::from_utf8(out).unwrap_or_default(), expected);
        }
    }
}
