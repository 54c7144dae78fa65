//! The process that owns one ephemeral server: starts it as its child, waits until nobody uses it,
//! ends it and removes its folder. Runs as the hidden command `edu server guard`.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, test_kill_process};

use super::account::Account;
use super::ephemeral::end_server;
use super::initdb::{init, write_private};
use super::launch::{self, Launch};
use super::order::{Failed, Leave, Order, Ready, lock_file, read_json, write_json};
use super::place;
use super::postmaster::Postmaster;
use super::settings::{self, Durability, Settings};
use crate::failure::{Exit, Failure, Result};
use crate::progress::silent;

/// How often a process is looked at where the kernel has no pidfd.
const POLL: Duration = Duration::from_millis(200);

/// How long a server may take to stop cleanly.
const STOP_MAX: Duration = Duration::from_secs(60);

/// Runs the server that `folder/order.json` describes until nobody uses it.
///
/// # Errors
/// What kept the server from starting; it is also written to `folder/failed.json`.
pub fn run(folder: &Path) -> Result<()> {
    let own = lock_file(&folder.join("guard"))?;
    own.try_lock()
        .map_err(|_| Failure::refused(format!("\"{}\" has a guard already", folder.display())))?;
    let order: Order = read_json(&folder.join("order.json")).ok_or_else(|| {
        Failure::usage(format!(
            "\"{}\" has no order for a server",
            folder.display()
        ))
    })?;
    let child = match start(folder, &order) {
        Ok(child) => child,
        Err(failure) => {
            let told = Failed {
                error: failure.error.clone(),
                detail: failure.detail.clone(),
                hint: failure.hint.clone(),
            };
            write_json(&folder.join("failed.json"), &told)?;
            return Err(failure);
        }
    };
    let _lease = watch(folder, child, order.while_pid);
    match read_json::<Leave>(&folder.join("leave.json")) {
        Some(leave) => leave_data(folder, &order, &leave.to)?,
        None => end_server(&folder.join("data")),
    }
    // Connections that just died may still unlink files: try again before giving up.
    for _ in 0..20 {
        if fs::remove_dir_all(folder).is_ok() || !folder.exists() {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

fn start(folder: &Path, order: &Order) -> Result<Child> {
    let (data, sockets, secret) = (
        folder.join("data"),
        folder.join("s"),
        folder.join("password"),
    );
    place::traversable_folder(&sockets)?;
    order.account.own(&sockets)?;
    let password = match &order.copy_of {
        Some(original) => {
            copy(&original.join("data"), &data)?;
            fs::read_to_string(original.join("password")).unwrap_or_default()
        }
        None => {
            place::traversable_folder(&data)?;
            order.account.own(&data)?;
            let password = uuid::Uuid::new_v4().simple().to_string();
            write_private(&secret, &password, &order.account)?;
            init(
                &order.runtime,
                &order.account,
                &data,
                &secret,
                Durability::Thrown,
            )?;
            password
        }
    };
    write_private(&secret, &password, &Account::current())?;
    let seed = u64::from_str_radix(&place::short_hash(folder, 12), 16).unwrap_or(0);
    let port = settings::choose_port(seed)
        .ok_or_else(|| Failure::new(Exit::Unreachable, "no free port was found for the server"))?;
    let conf = Settings {
        port,
        sockets: &sockets,
        listen: "",
        durability: Durability::Thrown,
        preload: &order.runtime.preload,
        more: &order.settings,
    };
    write_private(&data.join("edu.conf"), &conf.render(), &order.account)?;
    let postgres = order.runtime.server_command(&order.account, "postgres");
    match launch::launch(postgres, &data, &folder.join("log"), &silent)? {
        Launch::Ready(child) => {
            write_json(&folder.join("ready.json"), &Ready { port, password })?;
            Ok(child)
        }
        Launch::Died(text) => Err(launch::explain(&text, &data)),
    }
}

/// Stops the server cleanly and leaves its data, without surplus, where others are copied from.
fn leave_data(folder: &Path, order: &Order, to: &Path) -> Result<()> {
    let data = folder.join("data");
    if let Some(found) = Postmaster::of(&data) {
        found.signal(Signal::INT)?;
        if !found.wait_gone(&data, STOP_MAX) {
            end_server(&data);
            return Ok(());
        }
    }
    // After a clean stop nothing of the log is needed. Where it stays, copies are larger.
    let mut reset = order.runtime.server_command(&order.account, "pg_resetwal");
    let _ = reset.arg("--pgdata").arg(&data).output();
    let _ = fs::remove_dir_all(to);
    let partial = to.with_extension("partial");
    let _ = fs::remove_dir_all(&partial);
    place::traversable_folder(&partial)?;
    copy(&data, &partial.join("data"))?;
    let password = fs::read_to_string(folder.join("password")).unwrap_or_default();
    write_private(&partial.join("password"), &password, &Account::current())?;
    fs::rename(&partial, to).map_err(|e| Failure::io(format!("make \"{}\"", to.display()), &e))
}

/// Copies a stopped server's data, by reflink where the file system can.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let mut command = Command::new("cp");
    command.args(["--archive", "--reflink=auto", "--"]);
    let output = command
        .arg(from)
        .arg(to)
        .output()
        .map_err(|e| Failure::io("run \"cp\"", &e))?;
    if output.status.success() {
        return Ok(());
    }
    Err(
        Failure::usage(format!("could not copy \"{}\"", from.display()))
            .detail(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
    )
}

/// Returns when the server has ended by itself, or when nobody uses it any more: then with the
/// exclusive lease, which keeps newcomers out.
fn watch(folder: &Path, mut child: Child, while_pid: Option<u32>) -> Option<File> {
    let (sender, receiver) = channel();
    let ended: Sender<Option<File>> = sender.clone();
    std::thread::spawn(move || {
        let _ = child.wait();
        let _ = ended.send(None);
    });
    let lease = lock_file(&folder.join("lease"));
    std::thread::spawn(move || {
        if let Some(pid) = while_pid {
            wait_for_end(pid);
        }
        let Ok(lease) = lease else { return };
        if lease.lock().is_ok() {
            let _ = sender.send(Some(lease));
        }
    });
    receiver.recv().ok().flatten()
}

/// Blocks until the process is gone.
fn wait_for_end(pid: u32) {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else {
        return;
    };
    match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(fd) => while poll(&mut [PollFd::new(&fd, PollFlags::IN)], None).is_err() {},
        Err(rustix::io::Errno::SRCH) => {}
        Err(_) => {
            while test_kill_process(pid) != Err(rustix::io::Errno::SRCH) {
                std::thread::sleep(POLL);
            }
        }
    }
}
