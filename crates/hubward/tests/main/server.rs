//! A PostgreSQL server of the test's own, on a Unix socket, made with the `initdb` and `pg_ctl` of the machine.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// Stops with the test.
pub(crate) struct Server {
    programs: PathBuf,
    folder: TempDir,
}

impl Server {
    /// None where the machine has no PostgreSQL.
    pub(crate) fn start() -> Option<Self> {
        let server = Self { programs: programs()?, folder: TempDir::new().expect("a temporary folder") };
        let folder = server.folder.path();
        if is_root() {
            // The server refuses to run as root.
            done(Command::new("chown").arg("postgres").arg(folder).output());
        }
        let data = folder.join("data");
        done(
            server
                .program("initdb")
                .args([
                    "--auth=trust",
                    "--username=postgres",
                    "--encoding=UTF8",
                    "--no-locale",
                    "--no-sync",
                    "--pgdata",
                ])
                .arg(&data)
                .output(),
        );
        let options = format!("-c listen_addresses= -c fsync=off -c unix_socket_directories={}", folder.display());
        done(
            server
                .program("pg_ctl")
                .args(["start", "--wait", "--silent", "--pgdata"])
                .arg(&data)
                .args(["--log".as_ref(), folder.join("log").as_os_str()])
                .args(["--options", &options])
                .output(),
        );
        Some(server)
    }

    /// Runs a script of psql, which may make and change databases.
    pub(crate) fn script(&self, script: &Path) {
        let text = std::fs::read(script).expect("the script is there");
        // A copy that the server's user may read.
        let copy = self.folder.path().join("script.sql");
        std::fs::write(&copy, text).expect("copied");
        done(
            self.program("psql")
                .args(["--quiet", "--no-psqlrc", "--username=postgres", "--set=ON_ERROR_STOP=1", "--host"])
                .arg(self.folder.path())
                .args(["--dbname=postgres", "--output=/dev/null", "--file"])
                .arg(&copy)
                .output(),
        );
    }

    /// The one JSON value that a query of psql gives.
    pub(crate) fn json(&self, database: &str, query: &str) -> serde_json::Value {
        let output = self
            .program("psql")
            .args(["--no-psqlrc", "--tuples-only", "--no-align", "--username=postgres", "--host"])
            .arg(self.folder.path())
            .args(["--dbname", database, "--command", query])
            .output()
            .expect("psql runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    pub(crate) fn url(&self, database: &str) -> String {
        let socket = self.folder.path().display().to_string().replace('/', "%2F");
        format!("postgres://postgres@{socket}/{database}")
    }

    fn program(&self, name: &str) -> Command {
        let program = self.programs.join(name);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir(self.folder.path());
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let stopped = self
            .program("pg_ctl")
            .args(["stop", "--mode=immediate", "--silent", "--pgdata"])
            .arg(self.folder.path().join("data"))
            .output();
        if !std::thread::panicking() {
            done(stopped);
        }
    }
}

fn done(output: std::io::Result<Output>) {
    let output = output.expect("the program runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{} {stderr}", String::from_utf8_lossy(&output.stdout));
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// The folder of `initdb`, `pg_ctl` and `psql`: on the PATH, or where Debian keeps it.
fn programs() -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> =
        std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
    if let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") {
        folders.extend(versions.flatten().map(|entry| entry.path().join("bin")));
    }
    folders.into_iter().find(|folder| ["initdb", "pg_ctl", "psql"].iter().all(|program| folder.join(program).exists()))
}
