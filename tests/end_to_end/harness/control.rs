//! A running proxy, looked at and changed.

use std::process::Command;

use tokio::{net::TcpStream, task::spawn_blocking};

use super::{Proxyhost, Wire, soon};

/// What `proxyhost ctl` said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The exit code.
    pub code: Option<i32>,
    pub output: String,
    pub error: String,
}

impl Proxyhost {
    /// Runs `proxyhost ctl` in the folder of the proxy, for the user that it runs for.
    pub async fn try_ctl(&self, args: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_proxyhost"));
        command.current_dir(self.folder()).env_clear().env("XDG_RUNTIME_DIR", self.folder()).arg("ctl").args(args);
        let ran = soon("`proxyhost ctl`", spawn_blocking(move || command.output())).await;
        let output = ran.expect("it does not panic").expect("the binary starts");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Said { code: output.status.code(), output: text(output.stdout), error: text(output.stderr) }
    }

    /// Runs `proxyhost ctl`, which must do what it is asked for. Gives what it says.
    pub async fn ctl(&self, args: &[&str]) -> String {
        let said = self.try_ctl(args).await;
        assert_eq!((said.code, said.error.as_str()), (Some(0), ""), "{args:?}: {}", said.output);
        said.output
    }

    /// The address of its control API, and its token.
    pub async fn control(&self) -> (String, String) {
        let line = self.wait_for_log("control API on http://").await;
        let told = line.split_once("http://").and_then(|(_, rest)| rest.split_once(", with the token "));
        let (address, token) = told.unwrap_or_else(|| panic!("`{line}` says no token"));
        (address.to_owned(), token.to_owned())
    }

    /// A connection to its control API.
    pub async fn connect_control(&self) -> Wire {
        let (address, _) = self.control().await;
        Wire::new(TcpStream::connect(address).await.expect("the control API listens"))
    }
}
