//! A record in one line: its name, and `name=value` for each field.
//!
//! Where a page is changed, database, page and line are one column, `[database:page:line]`.

use core::fmt;

use super::LogRecord;

/// The line; the position of the record is not in it.
impl fmt::Display for LogRecord<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind())?;
        let place = self.page_record();
        let mut result = Ok(());
        self.fields(&mut |name, value| {
            result = result.and_then(|()| match (place, name) {
                (Some(_), "page" | "line") => Ok(()),
                (Some(record), "database") => {
                    write!(f, " [{}:{}:{}]", record.database.0, record.page, record.line)
                }
                _ => write!(f, " {name}={value}"),
            });
        });
        result
    }
}
