//! A PostgreSQL server for one test: the one of `HUBWARD_TEST_POSTGRES_URL`, or a private cluster on a Unix socket, made
//! with the `initdb` and `pg_ctl` of the machine.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use hubward_core::SecretString;
use hubward_core::spec::SourceSpec;
use hubward_sources::Source;
use tempfile::TempDir;

use crate::support::{skipped, source};

pub(crate) struct Server {
    url: String,
    /// Present when the cluster is ours to stop.
    cluster: Option<Cluster>,
}

struct Cluster {
    programs: PathBuf,
    folder: TempDir,
}

impl Server {
    /// `None`, with one line on why, where there is no server and none can be made.
    pub(crate) fn start() -> Option<Self> {
        if let Ok(url) = std::env::var("HUBWARD_TEST_POSTGRES_URL") {
            return Some(Self { url, cluster: None });
        }
        let Some(programs) = programs() else {
            skipped("no HUBWARD_TEST_POSTGRES_URL, and no initdb and pg_ctl on this machine");
            return None;
        };
        let folder = tempfile::tempdir().expect("a temporary folder");
        let cluster = Cluster { programs, folder };
        cluster.make();
        let socket = cluster.path().display().to_string().replace('/', "%2F");
        let url = format!("postgres://postgres@{socket}/postgres");
        Some(Self { url, cluster: Some(cluster) })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The folder of a private cluster.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.cluster.as_ref().map(Cluster::path)
    }

    pub(crate) fn source(&self) -> Box<dyn Source> {
        of_url(&self.url)
    }

    /// Runs statements as the owner.
    pub(crate) fn run(&self, script: &str) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let (client, connection) =
                tokio_postgres::connect(&self.url, tokio_postgres::NoTls).await.expect("the test server answers");
            let driver = tokio::spawn(connection);
            client.batch_execute(script).await.expect("the script runs");
            driver.abort();
        });
    }
}

pub(crate) fn of_url(url: &str) -> Box<dyn Source> {
    source(&SourceSpec::Postgres { url: SecretString::from(url.to_owned()) })
}

impl Cluster {
    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn make(&self) {
        let folder = self.path();
        if is_root() {
            // The server refuses to run as root.
            done(Command::new("chown").arg("postgres").arg(folder).output());
        }
        let data = folder.join("data");
        done(
            self.program("initdb")
                .args(["--auth=trust", "--username=postgres", "--encoding=UTF8"])
                .args(["--no-locale", "--no-sync", "--pgdata"])
                .arg(&data)
                .output(),
        );
        if let Ok(certificate) = self.certificate() {
            done(Ok(certificate));
        }
        let options = format!("-c listen_addresses= -c fsync=off -c unix_socket_directories={}", folder.display());
        done(
            self.program("pg_ctl")
                .args(["start", "--wait", "--silent", "--pgdata"])
                .arg(&data)
                .args(["--log".as_ref(), folder.join("log").as_os_str()])
                .args(["--options", &options])
                .output(),
        );
    }

    /// A certificate for `localhost` that vouches for itself, for the tests of TLS.
    fn certificate(&self) -> std::io::Result<Output> {
        let mut openssl = self.as_server("openssl".as_ref());
        openssl
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"])
            .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
            .arg("-keyout")
            .arg(self.path().join("data/server.key"))
            .arg("-out")
            .arg(self.path().join("data/server.crt"))
            .output()
    }

    fn program(&self, name: &str) -> Command {
        self.as_server(&self.programs.join(name))
    }

    fn as_server(&self, program: &Path) -> Command {
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir(self.path());
        command
    }

    /// Starts the server again with TLS on a port of `localhost`.
    pub(crate) fn restart(&self, port: u16) {
        let options = format!(
            "-c listen_addresses=localhost -c port={port} -c ssl=on -c fsync=off -c unix_socket_directories={}",
            self.path().display()
        );
        done(
            self.program("pg_ctl")
                .args(["restart", "--wait", "--silent", "--mode=fast", "--pgdata"])
                .arg(self.path().join("data"))
                .args(["--log".as_ref(), self.path().join("log").as_os_str()])
                .args(["--options", &options])
                .output(),
        );
    }
}

impl Server {
    /// The port of a server with TLS, or `None` with one line where it cannot be had.
    pub(crate) fn with_tls(&self) -> Option<u16> {
        let cluster = self.cluster.as_ref();
        let Some(cluster) = cluster.filter(|c| c.path().join("data/server.crt").exists()) else {
            skipped("TLS needs a private cluster and openssl");
            return None;
        };
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        cluster.restart(port);
        Some(port)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let stopped = self
            .program("pg_ctl")
            .args(["stop", "--mode=immediate", "--silent", "--pgdata"])
            .arg(self.path().join("data"))
            .output();
        if !std::thread::panicking() {
            done(stopped);
        }
    }
}

fn done(output: std::io::Result<Output>) {
    let output = output.expect("the program runs");
    assert!(
        output.status.success(),
        "{} {}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// The folder of `initdb`: on the PATH, or where Debian keeps it.
fn programs() -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> =
        std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
    if let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") {
        folders.extend(versions.flatten().map(|entry| entry.path().join("bin")));
    }
    folders.into_iter().find(|folder| folder.join("initdb").exists() && folder.join("pg_ctl").exists())
}
