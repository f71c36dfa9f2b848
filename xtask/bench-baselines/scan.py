#!/usr/bin/env python3
"""Reads every column of every row of every table with another project's library.

usage: scan.py libesedb|dissect|impacket FILE

Prints one line, `rows=N values=N failed=N`. A value is what the library gives as not null (each
counts defaults and multi-values in its own way); failed counts what it refused to read.
"""
import sys


class Tally:
    def __init__(self):
        self.rows = self.values = self.failed = 0


def libesedb(path, tally):
    import pyesedb
    types = pyesedb.column_types
    whole = {types.INTEGER_8BIT_UNSIGNED, types.INTEGER_16BIT_SIGNED, types.INTEGER_16BIT_UNSIGNED,
             types.INTEGER_32BIT_SIGNED, types.INTEGER_32BIT_UNSIGNED, types.INTEGER_64BIT_SIGNED,
             types.CURRENCY}
    text = {types.TEXT, types.LARGE_TEXT}
    real = {types.FLOAT_32BIT, types.DOUBLE_64BIT}

    def decode(record, column, kind):
        if record.is_long_value(column):
            value = record.get_value_data_as_long_value(column)
            return value.get_data_as_string() if kind in text else value.get_data()
        if record.is_multi_value(column):
            return record.get_value_data(column)
        if kind in whole:
            return record.get_value_data_as_integer(column)
        if kind in text:
            return record.get_value_data_as_string(column)
        if kind in real:
            return record.get_value_data_as_floating_point(column)
        if kind == types.BOOLEAN:
            return record.get_value_data_as_boolean(column)
        return record.get_value_data(column)

    database = pyesedb.file()
    database.open(path)
    for number in range(database.get_number_of_tables()):
        table = database.get_table(number)
        kinds = [table.get_column(i).type for i in range(table.get_number_of_columns())]
        for index in range(table.get_number_of_records()):
            try:
                record = table.get_record(index)
            except OSError:
                tally.failed += 1
                continue
            tally.rows += 1
            for column, kind in enumerate(kinds):
                try:
                    tally.values += decode(record, column, kind) is not None
                except (OSError, ValueError, OverflowError):
                    tally.failed += 1


def dissect(path, tally):
    from dissect.database.ese import ESE
    database = ESE(open(path, "rb"))
    for table in database.tables():
        columns = table.columns
        try:
            for record in table.records():
                tally.rows += 1
                for column in columns:
                    try:
                        tally.values += record.get(column.name) is not None
                    except Exception:
                        tally.failed += 1
        except Exception:
            tally.failed += 1


def impacket(path, tally):
    import logging
    logging.disable(logging.CRITICAL)
    from impacket.ese import ESENT_DB
    database = ESENT_DB(path)
    for name in list(database._ESENT_DB__tables):
        try:
            cursor = database.openTable(name)
            while True:
                row = database.getNextRow(cursor)
                if row is None:
                    break
                tally.rows += 1
                tally.values += sum(value is not None for value in row.values())
        except Exception:
            tally.failed += 1


def main():
    tally = Tally()
    {"libesedb": libesedb, "dissect": dissect, "impacket": impacket}[sys.argv[1]](sys.argv[2], tally)
    print(f"rows={tally.rows} values={tally.values} failed={tally.failed}")


if __name__ == "__main__":
    sys.setrecursionlimit(100000)
    main()
