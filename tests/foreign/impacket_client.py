#!/usr/bin/env python3
"""A foreign RPC client: impacket against the service's backup interface.

usage: impacket_client.py HOST PORT DATABASE

HOST:PORT is a relay to the service's Unix socket; DATABASE is the file that the service hosts.
Binds, prepares, reads the database to its end, compares it with the file, ends; then throws
garbage stubs at every operation and demands faults (or refusals) and a service that lives on.
The stubs are built by impacket's own NDR engine, so this judges ours. Exit 0: all as it must be.
"""
import random
import struct
import sys

from impacket.dcerpc.v5 import transport
from impacket.dcerpc.v5.dtypes import GUID, ULONG, ULONGLONG, WSTR
from impacket.dcerpc.v5.ndr import (NDRCALL, NDRPOINTER, NDRSTRUCT, NDRUniConformantArray,
                                    NDRUniConformantVaryingArray)
from impacket.dcerpc.v5.rpcrt import DCERPCException
from impacket.uuid import uuidtup_to_bin

BACKUP = uuidtup_to_bin(('ecec0d70-a603-11d0-96b1-00a0c91ece30', '1.0'))
RESTORE = uuidtup_to_bin(('16e0cf3a-a604-11d0-96b1-00a0c91ece30', '1.0'))
REVISION = 0x44534201
UNIT = 262144


class DCERPCSessionError(DCERPCException):
    """What impacket raises for a result code that is not 0."""

    def __init__(self, error_string=None, error_code=None, packet=None):
        DCERPCException.__init__(self, error_string, error_code, packet)


class Context(NDRSTRUCT):
    align = 4
    structure = (('data', '20s=b""'),)

    def getAlignment(self):
        return 4


class Bytes(NDRUniConformantArray):
    item = 'c'


class PBytes(NDRPOINTER):
    referent = (('Data', Bytes),)


class Blob(NDRSTRUCT):
    structure = (('cb', ULONG), ('pb', PBytes))


class Wchars(NDRUniConformantArray):
    item = '<H'


class PWchars(NDRPOINTER):
    referent = (('Data', Wchars),)


class MultiSz(NDRSTRUCT):
    structure = (('cch', ULONG), ('pch', PWchars))


class VaryingBytes(NDRUniConformantVaryingArray):
    item = 'c'


class Info(NDRSTRUCT):
    structure = (('revision', ULONG), ('capabilities', ULONG), ('instance', GUID),
                 ('maxRead', ULONG), ('maxSessions', ULONG), ('uptime', ULONGLONG))


class Prepare(NDRCALL):
    opnum = 0
    structure = (('revision', ULONG), ('grbit', ULONG), ('type', ULONG))


class PrepareResponse(NDRCALL):
    structure = (('token', Blob), ('h', Context), ('ErrorCode', ULONG))


class End(NDRCALL):
    opnum = 1
    structure = (('h', Context),)


class EndResponse(NDRCALL):
    structure = (('h', Context), ('ErrorCode', ULONG))


class Names(NDRCALL):
    opnum = 2
    structure = (('h', Context),)


class NamesResponse(NDRCALL):
    structure = (('names', MultiSz), ('ErrorCode', ULONG))


class Open(NDRCALL):
    opnum = 3
    structure = (('h', Context), ('name', WSTR), ('hint', ULONG))


class OpenResponse(NDRCALL):
    structure = (('id', ULONG), ('maxRead', ULONG), ('size', ULONGLONG), ('ErrorCode', ULONG))


class Read(NDRCALL):
    opnum = 4
    structure = (('h', Context), ('id', ULONG), ('offset', ULONGLONG), ('cb', ULONG))


class ReadResponse(NDRCALL):
    structure = (('cbRead', ULONG), ('data', VaryingBytes), ('ErrorCode', ULONG))


class Close(NDRCALL):
    opnum = 5
    structure = (('h', Context), ('id', ULONG))


class CloseResponse(NDRCALL):
    structure = (('ErrorCode', ULONG),)


class Ping(NDRCALL):
    opnum = 8
    structure = (('revision', ULONG),)


class PingResponse(NDRCALL):
    structure = (('info', Info), ('ErrorCode', ULONG))


def connect(host, port, interface=BACKUP):
    dce = transport.DCERPCTransportFactory('ncacn_ip_tcp:%s[%s]' % (host, port)).get_dce_rpc()
    dce.connect()
    dce.bind(interface)
    return dce


def call(dce, request, **fields):
    for name, value in fields.items():
        request[name] = value
    return dce.request(request)


def whole_backup(dce, expected):
    info = call(dce, Ping(), revision=REVISION)['info']
    assert info['revision'] == REVISION, 'revision'
    prepared = call(dce, Prepare(), revision=REVISION, grbit=0, type=1)
    handle, token = prepared['h'], b''.join(prepared['token']['pb'])
    assert token.startswith(b'DSBTOKEN') and len(token) == prepared['token']['cb'], 'token'
    units = call(dce, Names(), h=handle)['names']['pch']
    text = ''.join(chr(u) for u in units)
    name = text.split('\0')[0]
    assert name[0] == 'D' and name[1:3] == '\\\\', 'a BFT unit and a UNC path: %r' % name
    opened = call(dce, Open(), h=handle, name=name + '\0', hint=65536)
    got = bytearray()
    while len(got) < opened['size']:
        answer = call(dce, Read(), h=handle, id=opened['id'], offset=len(got), cb=UNIT)
        got += b''.join(answer['data'])
    try:
        call(dce, Read(), h=handle, id=opened['id'], offset=len(got), cb=UNIT)
        raise AssertionError('a read behind the end must say so')
    except DCERPCException as error:
        assert error.get_error_code() == 38, error
    assert bytes(got) == expected, 'the bytes read are not the file'
    call(dce, Close(), h=handle, id=opened['id'])
    ended = call(dce, End(), h=handle)
    assert ended['h']['data'] == bytes(20), 'the handle must be zero after the end'
    return len(token), name, len(got)


def garbage(host, port):
    """Random stubs at every operation of both interfaces, on fresh connections."""
    source = random.Random(20010620)
    faults = refusals = 0
    for interface, operations in ((BACKUP, 12), (RESTORE, 11)):
        for opnum in range(operations):
            for size in (0, 1, 3, 20, 24, 41, 200, 3000):
                dce = connect(host, port, interface)
                dce.call(opnum, source.randbytes(size))
                try:
                    answer = dce.recv()
                    # An answer without a fault must carry a code; only the questions that need
                    # no argument (is online, check logs) may succeed.
                    code = struct.unpack('<I', answer[-4:])[0]
                    assert code or (interface == RESTORE and opnum in (0, 7)), (opnum, answer)
                    refusals += 1
                except DCERPCException:
                    faults += 1
                dce.disconnect()
    return faults, refusals


def main():
    host, port, database = sys.argv[1:]
    with open(database, 'rb') as file:
        expected = file.read()
    token, name, size = whole_backup(connect(host, port), expected)
    print('impacket: token of %d bytes, %s, %d bytes equal' % (token, name, size))
    faults, refusals = garbage(host, port)
    print('impacket: garbage at every operation: %d faults, %d refusals' % (faults, refusals))
    whole_backup(connect(host, port), expected)
    print('impacket: the service is alive: a second whole backup is equal')


main()
