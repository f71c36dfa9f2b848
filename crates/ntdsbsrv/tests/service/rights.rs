//! Rights: refused calls return 5, change nothing, and are in the audit log.

use std::os::unix::fs::PermissionsExt;

use ntdsb::HResult;
use ntdsb::idl::{backup, restore};
use ntdsbsrv::{PolicySource, RunningService, ServeError, ServeOptions};

use crate::client::{Rpc, Site};

fn write_policy(site: &Site, granted: &str) -> PolicySource {
    let own = rustix::process::geteuid().as_raw();
    let path = site.path("policy.toml");
    let text = format!("version = 1\n[[grant]]\nrights = [{granted}]\nunix_users = [\"{own}\"]\n");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    PolicySource::File(path)
}

fn start(site: &Site, granted: &str) -> RunningService {
    let policy = write_policy(site, granted);
    RunningService::start(ServeOptions { policy, ..site.options() }).unwrap()
}

const DENIED: HResult = HResult::ERROR_ACCESS_DENIED;

#[test]
fn without_a_right_every_call_is_refused() {
    let site = Site::new("clean_8k");
    let service = start(&site, "\"locations\"");
    let mut rpc = Rpc::connect(&service);
    assert_eq!(rpc.restore(&restore::IsOnlineRequest).result, DENIED);
    assert_eq!(rpc.prepare().unwrap_err(), DENIED);
    assert_eq!(rpc.restore_prepare(Some(b"whatever")).unwrap_err(), DENIED);
    let set = restore::SetCurrentLogNumberRequest { current_log: u32::MAX };
    assert_eq!(rpc.restore(&set).result, DENIED);
    let context = rpc.restore_prepare(None).unwrap();
    assert_eq!(rpc.locations(context).len(), 3);
    let refused: Vec<String> = site
        .audit()
        .lines()
        .filter(|line| line.contains("\"decision\":\"refused\""))
        .map(str::to_owned)
        .collect();
    assert_eq!(refused.len(), 4, "{refused:?}");
    assert!(refused.iter().all(|line| line.contains("\"result\":\"0x00000005\"")));
}

#[test]
fn rights_are_checked_at_every_call_by_the_policy_of_the_moment() {
    let site = Site::new("clean_8k");
    let service = start(&site, "\"query\", \"backup\"");
    let mut rpc = Rpc::connect(&service);
    let (_, context) = rpc.prepare().unwrap();
    let database = rpc.names(context).remove(0).path;
    rpc.read_file(context, &database).unwrap();
    rpc.logs(context);
    let truncate = backup::TruncateLogsRequest { context };
    assert_eq!(rpc.backup(&truncate).result, DENIED, "backup is not truncate");
    write_policy(&site, "\"query\"");
    service.reload_policy().unwrap();
    let names = backup::GetDatabaseNamesRequest { context };
    assert_eq!(rpc.backup(&names).result, DENIED);
    write_policy(&site, "\"query\", \"backup\", \"truncate\"");
    service.reload_policy().unwrap();
    assert_eq!(rpc.backup(&truncate).result, HResult::S_OK, "the context did not fail");
    write_policy(&site, "\"nonsense\"");
    service.reload_policy().unwrap_err();
    assert!(rpc.is_online(), "a policy that cannot be used changes nothing");
    write_policy(&site, "\"query\"");
    service.reload_policy().unwrap();
    assert_eq!(rpc.end(context), HResult::S_OK, "ending needs no right");
}

#[test]
fn state_is_told_before_rights_on_a_context_and_after_them_without() {
    let site = Site::new("clean_8k");
    let service = start(&site, "\"query\", \"backup\"");
    let mut rpc = Rpc::connect(&service);
    let (_, context) = rpc.prepare().unwrap();
    write_policy(&site, "\"query\"");
    service.reload_policy().unwrap();
    let truncate = backup::TruncateLogsRequest { context };
    assert_eq!(rpc.backup(&truncate).result, HResult::HR_INVALID_BACKUP_SEQUENCE);
    assert_eq!(rpc.prepare().unwrap_err(), DENIED, "not that a backup runs");
}

#[test]
fn a_policy_that_others_can_write_fails_the_start() {
    let site = Site::new("clean_8k");
    let policy = write_policy(&site, "\"query\"");
    let path = site.path("policy.toml");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
    let error = RunningService::start(ServeOptions { policy, ..site.options() }).unwrap_err();
    assert!(matches!(error, ServeError::Policy(_)), "{error}");
}

#[test]
fn tokens_are_not_in_the_audit_log() {
    let site = Site::new("clean_8k");
    let service = start(&site, "\"query\", \"backup\", \"restore\"");
    let mut rpc = Rpc::connect(&service);
    let (token, _) = rpc.whole_backup();
    assert_eq!(rpc.restore_prepare(Some(&token)).unwrap_err(), HResult(0xC800_073A));
    let audit = site.audit();
    let hex: String = token.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(!audit.contains("DSBTOKEN") && !audit.contains(&hex[..32]));
    assert!(audit.contains("HrRRestorePrepare"));
}
