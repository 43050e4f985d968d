//! The control API of a proxy, from its address to its end.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use control::Control;
use tokio::net::TcpListener;
use tracing::warn;

use super::{Access, RuntimeFile, Token, TokenError, serve};

/// A control API whose address is bound and whose token is known, so that nothing can keep it from serving.
#[derive(Debug)]
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
    access: Access,
    token_file: Option<PathBuf>,
}

/// Why the control API cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address} for the control API")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// There is no token.
    #[error(transparent)]
    Token(#[from] TokenError),
}

impl Bound {
    /// Listens on an address, of which `name` is the host where that was written as a name. Without a file, a token is made.
    ///
    /// # Errors
    /// When the address cannot be listened on, or there is no token. Nothing is listening then.
    pub async fn bind(address: SocketAddr, name: Option<String>, token_file: Option<&Path>) -> Result<Self, BindError> {
        let token = token_file.map_or_else(Token::random, Token::load)?;
        let failed = |source| BindError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address, access: Access { token, name }, token_file: token_file.map(Path::to_owned) })
    }

    /// The address, with the port that was picked.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What to tell the operator, on a line: the address, and the token if it was made. It is a secret, so it is told once.
    pub fn announcement(&self) -> String {
        let address = self.address;
        match &self.token_file {
            Some(file) => format!("control API on http://{address}, with the token in `{}`", file.display()),
            None => format!("control API on http://{address}, with the token {}", self.access.token.secret()),
        }
    }

    /// Serves until `shutdown` is done, and then for at most a second what has begun. Meanwhile there is a file by which
    /// `proxyhost ctl` finds it; where there cannot be one, a warning says so.
    pub async fn serve(self, control: Arc<dyn Control>, shutdown: impl Future<Output = ()>) {
        let file = RuntimeFile::write(self.address, &self.access.token);
        if let Err(error) = &file {
            warn!("`proxyhost ctl` finds this proxy by `--control` only: {}", oneline::escaped(&oneline::chain(error)));
        }
        serve(self.listener, control, self.access, shutdown).await;
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[tokio::test]
    async fn the_address_is_announced_and_the_token_only_if_it_was_made() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("token");
        std::fs::write(&file, "0123456789abcdef").expect("a file");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("its mode");
        let any = "127.0.0.1:0".parse().expect("an address");
        let made = Bound::bind(any, None, None).await.expect("a port");
        let expected =
            format!("control API on http://{}, with the token {}", made.address(), made.access.token.secret());
        assert_eq!(made.announcement(), expected);
        assert_ne!(made.address().port(), 0);
        let given = Bound::bind(any, None, Some(&file)).await.expect("a port");
        let expected = format!("control API on http://{}, with the token in `{}`", given.address(), file.display());
        assert_eq!(given.announcement(), expected);
        let taken = Bound::bind(made.address(), None, None).await.expect_err("it is taken").to_string();
        assert_eq!(taken, format!("cannot listen on {} for the control API", made.address()));
    }
}
