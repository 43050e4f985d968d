//! Where the running proxy can be looked at and changed.

use std::net::IpAddr;

use super::{
    ConfigError, ControlSettings, Environment, Listener,
    file::File,
    listeners::{DEFAULT_HOST, Typed, lookup, overlap},
};
use crate::listen::mode::ListenAddress;

/// What flag and file say of it together; the flag's address counts more. Adds to `warnings` what the operator should know.
pub(super) fn resolve(
    flag: Option<Typed>,
    file: &File,
    environment: &Environment,
    listeners: &[Listener],
    warnings: &mut Vec<String>,
) -> Result<Option<ControlSettings>, ConfigError> {
    let table = file.control.as_ref();
    let typed = match (flag, table) {
        (Some(typed), _) => typed,
        (None, None) => return Ok(None),
        (None, Some(table)) => table.listen.clone().map(Typed::from).ok_or_else(|| {
            ConfigError::new("`[control]` needs the key `listen`, such as `listen = \"127.0.0.1:9090\"`")
                .at(&table.place)
        })?,
    };
    if cfg!(not(feature = "api")) {
        let error = ConfigError::new("cannot be controlled: this `proxyhost` was built without the control API");
        return Err(error.at(typed.origin));
    }
    let ListenAddress { host, port } =
        ListenAddress::parse(&typed.text).map_err(|error| ConfigError::new(error).at(&typed.origin))?;
    let address = lookup(host.as_deref().unwrap_or(DEFAULT_HOST), port).map_err(|error| error.at(&typed.origin))?;
    if let Some(listener) = listeners.iter().find(|listener| overlap(listener.address, address)) {
        let (mode, taken) = (&listener.mode, listener.address);
        let error =
            ConfigError::new(format_args!("cannot be controlled on {address}: `{mode}` listens on {taken} already"));
        return Err(error.at(typed.origin).hint("give it a port of its own, or 0 to have one picked"));
    }
    if !address.ip().to_canonical().is_loopback() {
        if !table.is_some_and(|table| table.allow_open) {
            let error = ConfigError::new(format_args!(
                "cannot be controlled on {address}: everyone who can reach it could try, and read what is sent without \
                 encryption"
            ));
            let hint = "use an address of loopback, or say `allow_open = true` in `[control]` if that is meant";
            return Err(error.at(typed.origin).hint(hint));
        }
        warnings.push(format!(
            "everyone who can reach {address} can control the proxy with the token, which is sent without encryption"
        ));
    }
    let name = host.filter(|host| host.parse::<IpAddr>().is_err());
    let token_file = table.and_then(|table| table.token_file.as_ref());
    let token_file = token_file.map(|text| environment.path(text, &file.folder));
    Ok(Some(ControlSettings { address, name, token_file }))
}
