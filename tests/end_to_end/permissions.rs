//! Who may read what the proxy writes: its owner, whatever the umask.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
};

#[test]
fn what_is_written_is_for_its_owner_whatever_the_umask() {
    for umask in ["000", "077"] {
        let folder = tempfile::TempDir::new().expect("a temporary folder");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).expect("a folder of ours");
        let mut command = Command::new("sh");
        command.args(["-c", "umask $0 && exec \"$@\"", umask, env!("CARGO_BIN_EXE_proxyhost")]);
        command.args(["--listen", "127.0.0.1:0", "-w", "records/visit.mitm"]);
        command.current_dir(&folder).env("HOME", folder.path()).env("XDG_CACHE_HOME", folder.path().join("caches"));
        let mut proxy = command.stderr(Stdio::piped()).spawn().expect("a shell");
        let mut log = BufReader::new(proxy.stderr.take().expect("it is piped")).lines().map_while(Result::ok);
        let line = log.find(|line| line.contains("listening on http://")).expect("it listens");
        let address = line.rsplit("//").next().expect("an address").to_owned();
        // What it says must be read for it to go on.
        let rest = thread::spawn(move || log.collect::<Vec<_>>().join("\n"));
        visit(&address);
        let stopped = Command::new("kill").arg(proxy.id().to_string()).status().expect("kill");
        assert!(stopped.success() && proxy.wait().expect("a child of ours").success());

        let said = rest.join().expect("no panic");
        let files = files_in(folder.path());
        for name in ["proxyhost-ca.pem", "visit.mitm"] {
            assert!(files.iter().any(|path| path.ends_with(name)), "{name}: {files:?}\n{said}");
        }
        for path in files {
            let mode = fs::metadata(&path).expect("it is there").permissions().mode() & 0o777;
            // The certificate is for all who are to trust it.
            let others = if path.ends_with("proxyhost-ca-cert.pem") { 0o044 } else { 0 };
            assert_eq!(mode & 0o077, others, "umask {umask}: {mode:o} {}", path.display());
        }
    }
}

/// Asks a server by way of the proxy.
fn visit(proxy: &str) {
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let host = server.local_addr().expect("an address");
    let served = thread::spawn(move || {
        let (mut client, _) = server.accept().expect("a client");
        let mut head = [0; 1];
        client.read_exact(&mut head).expect("a request");
        client.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").expect("the client reads");
        // It closes the connection when it ends.
        client.read_to_end(&mut Vec::new()).expect("no error");
    });
    let mut client = TcpStream::connect(proxy).expect("it listens");
    let request = format!("GET http://{host}/ HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    client.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    client.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    // Ends when the proxy does.
    drop(served);
}

/// All files and folders in a folder.
fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files_in(&path));
        }
        found.push(path);
    }
    found
}
