//! Whether a component and the host speak of the same interfaces.

use super::capability::Package;

/// What the host looks for in components.
const CALLED: [&str; 7] =
    ["declaration", "lifecycle", "startup", "commands", "request-hook", "response-hook", "error-hook"];

/// Why a component was made for another host. It would load, and never be called.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContractError {
    /// Another version of a package that the host has.
    #[error("it {verb} `{interface}`, and this host has {package}; build it for that version, or use another host")]
    Version {
        /// What the component does with it.
        verb: &'static str,
        /// The interface, with its version.
        interface: String,
        /// The package as the host has it.
        package: Package,
    },
    /// An interface that is not in the package, or that components only import.
    #[error("it exports `{interface}`, which this host never calls: of {package} it calls {called}", called = CALLED.join(", "))]
    NeverCalled {
        /// The interface, with its version.
        interface: String,
        /// The package as the host has it.
        package: Package,
    },
}

/// Checks the names of what a component exports, and of what it imports, against the host's packages.
///
/// # Errors
/// When one of them is of a package that the host has otherwise.
pub fn check(exports: &[String], imports: &[String], host: &[Package]) -> Result<(), ContractError> {
    for (verb, interfaces) in [("exports", exports), ("imports", imports)] {
        for interface in interfaces {
            let Some(&package) = host.iter().find(|package| package.names(interface)) else { continue };
            let interface = interface.clone();
            if !package.has(&interface) {
                return Err(ContractError::Version { verb, interface, package });
            }
            if verb == "exports" && !is_called(&interface, package) {
                return Err(ContractError::NeverCalled { interface, package });
            }
        }
    }
    Ok(())
}

fn is_called(interface: &str, package: Package) -> bool {
    let name = interface.split_once('/').and_then(|(_, rest)| rest.split('@').next());
    package == Package::ADDON && name.is_some_and(|name| CALLED.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: [Package; 2] = [Package::ADDON, Package { name: "proxyhost:recordings", version: "0.1" }];

    fn checked(exports: &[&str], imports: &[&str]) -> Result<(), String> {
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        check(&names(exports), &names(imports), &HOST).map_err(|error| error.to_string())
    }

    #[test]
    fn what_the_host_has_and_what_it_does_not_know_pass() {
        let exports =
            ["proxyhost:addon/request-hook@0.1.0", "proxyhost:addon/lifecycle@0.1.4", "proxyhost:replay/matcher@0.2.0"];
        let imports =
            ["proxyhost:addon/messages@0.1.0", "proxyhost:recordings/index@0.1.0", "wasi:io/streams@0.2.6", "other"];
        assert_eq!(checked(&exports, &imports), Ok(()));
    }

    #[test]
    fn other_versions_are_refused_with_both() {
        for (verb, exports, imports) in [
            ("exports", &["proxyhost:addon/request-hook@0.2.0"][..], &[][..]),
            ("imports", &[], &["proxyhost:addon/request-hook@0.2.0"]),
        ] {
            let expected = format!(
                "it {verb} `proxyhost:addon/request-hook@0.2.0`, and this host has proxyhost:addon 0.1; build it for that \
                 version, or use another host"
            );
            assert_eq!(checked(exports, imports), Err(expected));
        }
        assert!(checked(&["proxyhost:addon/request-hook"], &[]).is_err());
        assert!(checked(&[], &["proxyhost:recordings/index@1.0.0"]).is_err());
    }

    #[test]
    fn a_hook_that_would_never_be_called_is_refused() {
        let expected = "it exports `proxyhost:addon/push-hook@0.1.9`, which this host never calls: of proxyhost:addon 0.1 it \
                        calls declaration, lifecycle, startup, commands, request-hook, response-hook, error-hook";
        assert_eq!(checked(&["proxyhost:addon/push-hook@0.1.9"], &[]), Err(expected.to_owned()));
        assert!(checked(&["proxyhost:recordings/index@0.1.0"], &[]).is_err());
    }
}
