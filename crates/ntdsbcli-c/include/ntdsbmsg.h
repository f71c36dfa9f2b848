/*
 * ntdsbmsg.h - result codes of the directory backup functions
 *
 * Compare a result with 0 (hrNone). Do not use SUCCEEDED() or FAILED(): Win32 and RPC errors are
 * returned bare, so that SUCCEEDED(ERROR_ACCESS_DENIED) is true; engine warnings (0x88......) have
 * the failure bit set.
 *
 *   0            success
 *   1 .. 0xFFFF  Win32 or RPC error, bare: ERROR_HANDLE_EOF is 38
 *   0xC7FF00nn   backup interface
 *   0xC800nnnn   database engine, JET error -nnnn
 *   0x8800nnnn   database engine, JET warning +nnnn
 *
 * Bits 31-30 are the severity, bits 27-16 the facility.
 *
 * Names and values are those of the documented interface (Win32 documentation, "Active Directory
 * Backup Functions"); the texts are this project's.
 */
#ifndef NTDSBMSG_H
#define NTDSBMSG_H

#define FACILITY_SYSTEM 0x0
#define FACILITY_NTDSB  0x800
#define FACILITY_BACKUP 0x7FF

#define STATUS_SEVERITY_SUCCESS       0x0
#define STATUS_SEVERITY_INFORMATIONAL 0x1
#define STATUS_SEVERITY_WARNING       0x2
#define STATUS_SEVERITY_ERROR         0x3

/* Backup interface. */

#define hrNone                             ((HRESULT)0x00000000)  /* success */
#define hrNyi                              ((HRESULT)0xC0000001)  /* not implemented */
#define hrInvalidParam                     ((HRESULT)0xC7FF0001)  /* an argument is invalid */
#define hrError                            ((HRESULT)0xC7FF0002)  /* internal failure */
#define hrInvalidHandle                    ((HRESULT)0xC7FF0003)  /* handle invalid */
#define hrRestoreInProgress                ((HRESULT)0xC7FF0004)  /* a restore is under way */
#define hrAlreadyOpen                      ((HRESULT)0xC7FF0005)  /* file already open */
#define hrInvalidRecips                    ((HRESULT)0xC7FF0006)  /* recipients invalid */
/* no such server, malformed name, not a DC, service not running */
#define hrCouldNotConnect                  ((HRESULT)0xC7FF0007)
/* a restore map is registered already */
#define hrRestoreMapExists                 ((HRESULT)0xC7FF0008)
/* incremental impossible until a full backup is taken */
#define hrIncrementalBackupDisabled        ((HRESULT)0xC7FF0009)
/* incremental impossible: a needed log is gone */
#define hrLogFileNotFound                  ((HRESULT)0xC7FF000A)
/* incremental impossible: circular logging */
#define hrCircularLogging                  ((HRESULT)0xC7FF000B)
/* incremental restore without a full one before */
#define hrNoFullRestore                    ((HRESULT)0xC7FF000C)
/* communication failed during a local backup */
#define hrCommunicationError               ((HRESULT)0xC7FF000D)
#define hrFullBackupNotTaken               ((HRESULT)0xC7FF000E)  /* no full backup yet */
/* cannot restore without token data */
#define hrMissingExpiryToken               ((HRESULT)0xC7FF000F)
#define hrUnknownExpiryTokenFormat         ((HRESULT)0xC7FF0010)  /* token not recognisable */
#define hrContentsExpired                  ((HRESULT)0xC7FF0011)  /* backup too old */
#define hrAlreadyListening                 ((HRESULT)1713)        /* service already registered */

/* System and directory manager, historic. */
#define hrFileClose                        ((HRESULT)0xC8000066)  /* a file could not be closed */
#define hrOutOfThreads                     ((HRESULT)0xC8000067)  /* no thread left */
/* too many I/O operations in flight */
#define hrTooManyIO                        ((HRESULT)0xC8000069)
#define hrBFNotSynchronous                 ((HRESULT)0x880000C8)  /* the buffer was evicted */
#define hrBFPageNotFound                   ((HRESULT)0x880000C9)  /* the page is not in the cache */
/* a buffer in use cannot be abandoned */
#define hrBFInUse                          ((HRESULT)0xC80000CA)
#define hrPMRecDeleted                     ((HRESULT)0xC800012E)  /* the record was deleted */
#define hrRemainingVersions                ((HRESULT)0x88000141)  /* idle work is left */
/* the key was truncated at 255 bytes */
#define hrFLDKeyTooBig                     ((HRESULT)0x88000190)
#define hrFLDTooManySegments               ((HRESULT)0xC8000191)  /* too many key segments */
#define hrFLDNullKey                       ((HRESULT)0x88000192)  /* the key is null */

/* Database engine. */
#define hrLogFileCorrupt                   ((HRESULT)0xC80001F5)  /* log file damaged */
#define hrNoBackupDirectory                ((HRESULT)0xC80001F7)  /* no backup directory given */
#define hrBackupDirectoryNotEmpty          ((HRESULT)0xC80001F8)  /* target directory not empty */
#define hrBackupInProgress                 ((HRESULT)0xC80001F9)  /* a backup is already running */
/* log needed by the checkpoint missing */
#define hrMissingPreviousLogFile           ((HRESULT)0xC80001FD)
#define hrLogWriteFail                     ((HRESULT)0xC80001FE)  /* log cannot be written */
/* log version unknown to this engine */
#define hrBadLogVersion                    ((HRESULT)0xC8000202)
/* next log's time stamp does not follow */
#define hrInvalidLogSequence               ((HRESULT)0xC8000203)
#define hrLoggingDisabled                  ((HRESULT)0xC8000204)  /* logging is off */
/* log buffer too small to recover */
#define hrLogBufferTooSmall                ((HRESULT)0xC8000205)
#define hrLogSequenceEnd                   ((HRESULT)0xC8000207)  /* generation numbers exhausted */
#define hrNoBackup                         ((HRESULT)0xC8000208)  /* no backup in progress */
#define hrInvalidBackupSequence            ((HRESULT)0xC8000209)  /* backup call out of sequence */
/* backup not possible at this moment */
#define hrBackupNotAllowedYet              ((HRESULT)0xC800020B)
#define hrDeleteBackupFileFail             ((HRESULT)0xC800020C)  /* cannot delete backup file */
/* cannot create backup directory */
#define hrMakeBackupDirectoryFail          ((HRESULT)0xC800020D)
/* incremental backup under circular logging */
#define hrInvalidBackup                    ((HRESULT)0xC800020E)
/* repair/recovery finished with errors */
#define hrRecoveredWithErrors              ((HRESULT)0xC800020F)
#define hrMissingLogFile                   ((HRESULT)0xC8000210)  /* current log missing */
#define hrLogDiskFull                      ((HRESULT)0xC8000211)  /* log volume full */
/* log belongs to another sequence or is damaged */
#define hrBadLogSignature                  ((HRESULT)0xC8000212)
#define hrBadDbSignature                   ((HRESULT)0xC8000213)  /* database signature wrong */
#define hrBadCheckpointSignature           ((HRESULT)0xC8000214)  /* checkpoint signature wrong */
/* checkpoint missing or damaged */
#define hrCheckpointCorrupt                ((HRESULT)0xC8000215)
/* database not cleanly shut down */
#define hrDatabaseInconsistent             ((HRESULT)0xC8000226)
/* last-consistent time disagrees */
#define hrConsistentTimeMismatch           ((HRESULT)0xC8000227)
/* patch file not of this backup */
#define hrPatchFileMismatch                ((HRESULT)0xC8000228)
#define hrRestoreLogTooLow                 ((HRESULT)0xC8000229)  /* last log given lies too low */
/* first log given lies too high */
#define hrRestoreLogTooHigh                ((HRESULT)0xC800022A)
/* restored log has wrong signature */
#define hrGivenLogFileHasBadSignature      ((HRESULT)0xC800022B)
#define hrGivenLogFileIsNotContiguous      ((HRESULT)0xC800022C)  /* gap among restored logs */
/* some logs needed by the restore are missing */
#define hrMissingRestoreLogFiles           ((HRESULT)0xC800022D)
/* log already in the log path has wrong signature */
#define hrExistingLogFileHasBadSignature   ((HRESULT)0x8800022E)
/* gap among logs already in the log path */
#define hrExistingLogFileIsNotContiguous   ((HRESULT)0x8800022F)
/* no full backup before this incremental */
#define hrMissingFullBackup                ((HRESULT)0xC8000230)
/* size not a whole number of pages */
#define hrBadBackupDatabaseSize            ((HRESULT)0xC8000231)
#define hrTermInProgress                   ((HRESULT)0xC80003E8)  /* engine shutting down */
#define hrFeatureNotAvailable              ((HRESULT)0xC80003E9)  /* feature absent */
#define hrInvalidName                      ((HRESULT)0xC80003EA)  /* name invalid */
#define hrInvalidParameter                 ((HRESULT)0xC80003EB)  /* engine parameter invalid */
#define hrColumnNull                       ((HRESULT)0x880003EC)  /* column is null */
#define hrBufferTruncated                  ((HRESULT)0x880003EE)  /* data longer than buffer */
#define hrDatabaseAttached                 ((HRESULT)0x880003EF)  /* already attached */
#define hrInvalidDatabaseId                ((HRESULT)0xC80003F2)  /* bad database id */
#define hrOutOfMemory                      ((HRESULT)0xC80003F3)  /* no memory */
/* maximum database size reached */
#define hrOutOfDatabaseSpace               ((HRESULT)0xC80003F4)
#define hrOutOfCursors                     ((HRESULT)0xC80003F5)  /* no cursors left */
#define hrOutOfBuffers                     ((HRESULT)0xC80003F6)  /* no page buffers left */
#define hrTooManyIndexes                   ((HRESULT)0xC80003F7)  /* too many indexes */
#define hrTooManyKeys                      ((HRESULT)0xC80003F8)  /* too many key columns */
#define hrRecordDeleted                    ((HRESULT)0xC80003F9)  /* record deleted */
#define hrReadVerifyFailure                ((HRESULT)0xC80003FA)  /* page checksum wrong */
#define hrOutOfFileHandles                 ((HRESULT)0xC80003FC)  /* no file handles */
#define hrDiskIO                           ((HRESULT)0xC80003FE)  /* I/O error */
#define hrInvalidPath                      ((HRESULT)0xC80003FF)  /* path invalid */
#define hrRecordTooBig                     ((HRESULT)0xC8000402)  /* record too big */
#define hrTooManyOpenDatabases             ((HRESULT)0xC8000403)  /* too many databases open */
#define hrInvalidDatabase                  ((HRESULT)0xC8000404)  /* not a database */
#define hrNotInitialized                   ((HRESULT)0xC8000405)  /* engine not started */
#define hrAlreadyInitialized               ((HRESULT)0xC8000406)  /* engine already started */
#define hrFileAccessDenied                 ((HRESULT)0xC8000408)  /* file not accessible */
#define hrBufferTooSmall                   ((HRESULT)0xC800040E)  /* buffer too small */
#define hrSeekNotEqual                     ((HRESULT)0x8800040F)  /* no exact match */
#define hrTooManyColumns                   ((HRESULT)0xC8000410)  /* too many columns */
#define hrContainerNotEmpty                ((HRESULT)0xC8000413)  /* container not empty */
#define hrInvalidFilename                  ((HRESULT)0xC8000414)  /* file name invalid */
#define hrInvalidBookmark                  ((HRESULT)0xC8000415)  /* bookmark invalid */
#define hrColumnInUse                      ((HRESULT)0xC8000416)  /* column used by an index */
/* buffer size does not fit column */
#define hrInvalidBufferSize                ((HRESULT)0xC8000417)
#define hrColumnNotUpdatable               ((HRESULT)0xC8000418)  /* column cannot be set */
#define hrIndexInUse                       ((HRESULT)0xC800041B)  /* index in use */
#define hrNullKeyDisallowed                ((HRESULT)0xC800041D)  /* null key not allowed */
#define hrNotInTransaction                 ((HRESULT)0xC800041E)  /* needs a transaction */
#define hrNoIdleActivity                   ((HRESULT)0x88000422)  /* nothing to do */
#define hrTooManyActiveUsers               ((HRESULT)0xC8000423)  /* too many users */
#define hrInvalidCountry                   ((HRESULT)0xC8000425)  /* country code invalid */
#define hrInvalidLanguageId                ((HRESULT)0xC8000426)  /* language id invalid */
#define hrInvalidCodePage                  ((HRESULT)0xC8000427)  /* code page invalid */
#define hrNoWriteLock                      ((HRESULT)0x8800042B)  /* no write lock at level 0 */
#define hrColumnSetNull                    ((HRESULT)0x8800042C)  /* column set to null */
#define hrVersionStoreOutOfMemory          ((HRESULT)0xC800042D)  /* version store full */
#define hrCurrencyStackOutOfMemory         ((HRESULT)0xC800042E)  /* no cursors left */
#define hrOutOfSessions                    ((HRESULT)0xC800044D)  /* no sessions left */
#define hrWriteConflict                    ((HRESULT)0xC800044E)  /* write-write conflict */
#define hrTransTooDeep                     ((HRESULT)0xC800044F)  /* nesting too deep */
#define hrInvalidSesid                     ((HRESULT)0xC8000450)  /* session invalid */
/* another session holds a private version of the page */
#define hrSessionWriteConflict             ((HRESULT)0xC8000453)
/* not allowed inside a transaction */
#define hrInTransaction                    ((HRESULT)0xC8000454)
#define hrDatabaseDuplicate                ((HRESULT)0xC80004B1)  /* database exists */
#define hrDatabaseInUse                    ((HRESULT)0xC80004B2)  /* database in use */
#define hrDatabaseNotFound                 ((HRESULT)0xC80004B3)  /* database not there */
#define hrDatabaseInvalidName              ((HRESULT)0xC80004B4)  /* database name invalid */
#define hrDatabaseInvalidPages             ((HRESULT)0xC80004B5)  /* page count invalid */
/* database damaged or not found */
#define hrDatabaseCorrupted                ((HRESULT)0xC80004B6)
#define hrDatabaseLocked                   ((HRESULT)0xC80004B7)  /* database locked */
#define hrTableEmpty                       ((HRESULT)0x88000515)  /* table empty */
#define hrTableLocked                      ((HRESULT)0xC8000516)  /* table locked */
#define hrTableDuplicate                   ((HRESULT)0xC8000517)  /* table exists */
#define hrTableInUse                       ((HRESULT)0xC8000518)  /* table in use */
#define hrObjectNotFound                   ((HRESULT)0xC8000519)  /* no such table or object */
#define hrCannotRename                     ((HRESULT)0xC800051A)  /* cannot rename temporary file */
#define hrDensityInvalid                   ((HRESULT)0xC800051B)  /* density invalid */
#define hrTableNotEmpty                    ((HRESULT)0xC800051C)  /* table not empty */
#define hrInvalidTableId                   ((HRESULT)0xC800051E)  /* table id invalid */
#define hrTooManyOpenTables                ((HRESULT)0xC800051F)  /* too many tables open */
#define hrIllegalOperation                 ((HRESULT)0xC8000520)  /* not supported on this table */
#define hrObjectDuplicate                  ((HRESULT)0xC8000522)  /* object name in use */
#define hrInvalidObject                    ((HRESULT)0xC8000524)  /* wrong kind of object */
#define hrIndexCantBuild                   ((HRESULT)0xC8000579)  /* cannot build clustered index */
#define hrIndexHasPrimary                  ((HRESULT)0xC800057A)  /* primary index exists */
#define hrIndexDuplicate                   ((HRESULT)0xC800057B)  /* index exists */
#define hrIndexNotFound                    ((HRESULT)0xC800057C)  /* no such index */
/* clustered index cannot be deleted */
#define hrIndexMustStay                    ((HRESULT)0xC800057D)
#define hrIndexInvalidDef                  ((HRESULT)0xC800057E)  /* index definition illegal */
#define hrIndexHasClustered                ((HRESULT)0xC8000580)  /* clustered index exists */
/* index creation failed with table creation */
#define hrCreateIndexFailed                ((HRESULT)0x88000581)
#define hrTooManyOpenIndexes               ((HRESULT)0xC8000582)  /* no index descriptors left */
#define hrColumnLong                       ((HRESULT)0xC80005DD)  /* value too long */
#define hrColumnDoesNotFit                 ((HRESULT)0xC80005DF)  /* does not fit in record */
#define hrNullInvalid                      ((HRESULT)0xC80005E0)  /* null not allowed */
#define hrColumnIndexed                    ((HRESULT)0xC80005E1)  /* indexed, cannot delete */
#define hrColumnTooBig                     ((HRESULT)0xC80005E2)  /* longer than 255 */
#define hrColumnNotFound                   ((HRESULT)0xC80005E3)  /* no such column */
#define hrColumnDuplicate                  ((HRESULT)0xC80005E4)  /* column exists */
/* second autoincrement/version column */
#define hrColumn2ndSysMaint                ((HRESULT)0xC80005E6)
#define hrInvalidColumnType                ((HRESULT)0xC80005E7)  /* column type invalid */
#define hrColumnMaxTruncated               ((HRESULT)0x880005E8)  /* truncated at 255 */
#define hrColumnCannotIndex                ((HRESULT)0xC80005E9)  /* long value cannot be indexed */
/* tagged column cannot be not-null */
#define hrTaggedNotNULL                    ((HRESULT)0xC80005EA)
#define hrNoCurrentIndex                   ((HRESULT)0xC80005EB)  /* needs a current index */
#define hrKeyIsMade                        ((HRESULT)0xC80005EC)  /* key already complete */
#define hrBadColumnId                      ((HRESULT)0xC80005ED)  /* column id wrong */
#define hrBadItagSequence                  ((HRESULT)0xC80005EE)  /* value instance number wrong */
/* autoincrement/version cannot be multivalued */
#define hrCannotBeTagged                   ((HRESULT)0xC80005F1)
#define hrRecordNotFound                   ((HRESULT)0xC8000641)  /* key not found */
#define hrNoCurrentRecord                  ((HRESULT)0xC8000643)  /* no current record */
#define hrRecordClusteredChanged           ((HRESULT)0xC8000644)  /* clustered key cannot change */
#define hrKeyDuplicate                     ((HRESULT)0xC8000645)  /* key exists */
#define hrAlreadyPrepared                  ((HRESULT)0xC8000647)  /* update already prepared */
#define hrKeyNotMade                       ((HRESULT)0xC8000648)  /* no key made */
#define hrUpdateNotPrepared                ((HRESULT)0xC8000649)  /* update not prepared */
#define hrwrnDataHasChanged                ((HRESULT)0x8800064A)  /* data has changed */
#define hrerrDataHasChanged                ((HRESULT)0xC800064B)  /* abandoned: data has changed */
#define hrKeyChanged                       ((HRESULT)0x88000652)  /* moved to a new key */
#define hrTooManySorts                     ((HRESULT)0xC80006A5)  /* too many sorts */
#define hrInvalidOnSort                    ((HRESULT)0xC80006A6)  /* not allowed on a sort */
/* temporary file cannot be opened */
#define hrTempFileOpenError                ((HRESULT)0xC800070B)
#define hrTooManyAttachedDatabases         ((HRESULT)0xC800070D)  /* too many databases attached */
#define hrDiskFull                         ((HRESULT)0xC8000710)  /* disk full */
#define hrPermissionDenied                 ((HRESULT)0xC8000711)  /* permission denied */
#define hrFileNotFound                     ((HRESULT)0xC8000713)  /* file not found */
#define hrFileOpenReadOnly                 ((HRESULT)0x88000715)  /* opened read-only */
/* restore attempted after start */
#define hrAfterInitialization              ((HRESULT)0xC800073A)
#define hrLogCorrupted                     ((HRESULT)0xC800073C)  /* logs damaged */
#define hrInvalidOperation                 ((HRESULT)0xC8000772)  /* operation invalid */
#define hrAccessDenied                     ((HRESULT)0xC8000773)  /* access denied */

#endif /* NTDSBMSG_H */
