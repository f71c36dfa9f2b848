//! Rows in a dump.
//!
//! Values are made in memory. A long value beyond [`Dumper::holding`] is read twice: first to
//! see whether all of it is there and whether it is valid text, then to write it chunk by chunk.

use std::io::Write;

use ese_format::column::UNICODE;
use ese_format::compression::decompress;
use ese_format::record::StoredValue;
use ese_format::text::decode_1252;

use super::writer::{Utf16, escaped, hex, string, value};
use super::{Complaint, DumpError, Dumped, Dumper};
use crate::row::{Field, Row};
use crate::schema::{Column, TableDefinition};
use crate::table::Table;
use crate::{Error, LongValue};

/// What is the same in every row of a table.
pub(super) struct Plan {
    /// Beginning of the line.
    head: Vec<u8>,
    /// `"name":` of every column.
    names: Vec<Vec<u8>>,
}

impl Plan {
    pub(super) fn new(table: &TableDefinition) -> Self {
        let mut head = b"{\"t\":".to_vec();
        string(&mut head, &table.name);
        head.extend_from_slice(b",\"row\":{");
        let name = |column: &Column| {
            let mut name = Vec::new();
            string(&mut name, column.name());
            name.push(b':');
            name
        };
        Self { head, names: table.columns.iter().map(name).collect() }
    }
}

impl<W: Write> Dumper<'_, W> {
    /// Dumps a row; `scratch` is for values that have to be put together.
    pub(super) fn row(
        &mut self,
        plan: &Plan,
        row: &Row<'_>,
        scratch: &mut Vec<u8>,
        dumped: &mut Dumped,
    ) -> Result<(), DumpError> {
        self.buffer.extend_from_slice(&plan.head);
        match row.fields() {
            Ok(fields) => {
                let mut separator = &b""[..];
                for field in fields {
                    self.buffer.extend_from_slice(separator);
                    separator = b",";
                    self.field(plan, row, &field, scratch, dumped)?;
                }
            }
            Err(error) => {
                self.buffer.extend_from_slice(b"\"error\":");
                string(&mut self.buffer, &brief(&error));
                self.complain(row, None, error, dumped);
            }
        }
        self.buffer.extend_from_slice(b"}}\n");
        self.flush_full()
    }

    fn field(
        &mut self,
        plan: &Plan,
        row: &Row<'_>,
        field: &Field<'_>,
        scratch: &mut Vec<u8>,
        dumped: &mut Dumped,
    ) -> Result<(), DumpError> {
        let column = field.column();
        if let Some(name) = plan.names.get(column.place()) {
            self.buffer.extend_from_slice(name);
        }
        let (before, writes) = (self.buffer.len(), self.writes);
        let failed = match field.stored() {
            Ok(values) => {
                let array = column.is_multi_valued() || values.len() > 1;
                if array {
                    self.buffer.push(b'[');
                }
                let mut failed = None;
                for (place, value) in (0..).zip(values) {
                    if place > 0 {
                        self.buffer.push(b',');
                    }
                    if let Err(error) = self.value(row.table(), column, value, scratch)? {
                        failed = Some(error);
                        break;
                    }
                }
                if array && failed.is_none() {
                    self.buffer.push(b']');
                }
                failed.map(|error| (error, array))
            }
            Err(error) => Some((error, column.is_multi_valued())),
        };
        if let Some((error, array)) = failed {
            // One error stands for all values, unless earlier ones have been written already.
            if self.writes == writes {
                self.buffer.truncate(before);
                self.buffer.extend_from_slice(if array { b"[" } else { b"" });
            }
            self.buffer.extend_from_slice(b"{\"error\":");
            string(&mut self.buffer, &brief(&error));
            self.buffer.extend_from_slice(if array { b"}]" } else { b"}" });
            self.complain(row, Some(column), error, dumped);
        }
        Ok(())
    }

    /// Appends one value, or says why it cannot be read.
    fn value(
        &mut self,
        table: &Table,
        column: &Column,
        stored: StoredValue<'_>,
        scratch: &mut Vec<u8>,
    ) -> Result<Result<(), Error>, DumpError> {
        let bytes = match stored {
            StoredValue::Plain(bytes) => bytes,
            StoredValue::Compressed(bytes) => {
                scratch.clear();
                if decompress(bytes, scratch).is_err() {
                    return Ok(table.expand(column, stored).map(drop));
                }
                scratch.as_slice()
            }
            StoredValue::Separated(lid) => {
                let mut long_value = match table.long_value(lid) {
                    Ok(long_value) => long_value,
                    Err(error) => return Ok(Err(error)),
                };
                if long_value.len() > self.whole {
                    return self.long_value(table, column, long_value, scratch);
                }
                scratch.clear();
                if let Err(error) = long_value.read_to_end(scratch) {
                    return Ok(Err(error));
                }
                scratch.as_slice()
            }
            StoredValue::Encrypted(_) => return Ok(table.expand(column, stored).map(drop)),
        };
        value(&mut self.buffer, column.ty(), column.code_page(), bytes);
        Ok(Ok(()))
    }

    /// Appends a long value chunk by chunk.
    fn long_value(
        &mut self,
        table: &Table,
        column: &Column,
        mut first_pass: LongValue,
        chunk: &mut Vec<u8>,
    ) -> Result<Result<(), Error>, DumpError> {
        let unicode = column.ty().is_text() && column.code_page() == UNICODE;
        let (mut units, mut ignored, mut valid) = (Utf16::default(), Vec::new(), true);
        loop {
            match first_pass.next_chunk(chunk) {
                Ok(true) if unicode && valid => {
                    ignored.clear();
                    valid = units.append(&mut ignored, chunk);
                }
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => return Ok(Err(error)),
            }
        }
        let valid = valid && units.is_whole();
        let is_text = column.ty().is_text() && (!unicode || valid);
        let (begin, end) = match (column.ty().is_text(), is_text) {
            (true, false) => (&b"{\"hex\":\""[..], &b"\"}"[..]),
            _ => (&b"\""[..], &b"\""[..]),
        };
        self.buffer.extend_from_slice(begin);
        let mut long_value = table.long_value(first_pass.lid())?;
        let mut units = Utf16::default();
        while long_value.next_chunk(chunk)? {
            if !is_text {
                hex(&mut self.buffer, chunk);
            } else if unicode {
                units.append(&mut self.buffer, chunk);
            } else {
                escaped(&mut self.buffer, &decode_1252(chunk));
            }
            self.flush_full()?;
        }
        self.buffer.extend_from_slice(end);
        Ok(Ok(()))
    }

    fn complain(
        &mut self,
        row: &Row<'_>,
        column: Option<&Column>,
        error: Error,
        dumped: &mut Dumped,
    ) {
        dumped.errors += 1;
        (self.complain)(Complaint::Value {
            table: row.table().name().to_owned(),
            page: row.page(),
            key: row.key().unwrap_or_default(),
            column: column.map(|column| column.name().to_owned()),
            error,
        });
    }
}

/// What is wrong, without the place, which stands beside it.
pub(super) fn brief(error: &Error) -> String {
    match error {
        Error::Record { source, .. } => source.to_string(),
        Error::Compressed { source, .. } => source.to_string(),
        Error::Encrypted { .. } => "the value is encrypted".to_owned(),
        Error::LongValue { lid, what, .. } => format!("long value {lid}: {what}"),
        other => other.to_string(),
    }
}
