//! Which server a target is.

use ansai_core::Scope;
use ansai_kit::dial::Endpoint;
use ansai_kit::target::TargetAccess;

use crate::certificate;
use crate::postgresql::client::address::{Address, Place};
use crate::{http, mysql, postgresql};

/// The server of a target; `None` if it is none that is reached by TCP. A kind that is missing here cannot be called in the
/// process that calls servers.
pub(crate) fn of_target(target: &TargetAccess) -> Option<Endpoint> {
    let place = |address: Address| match address.place {
        Place::Network { host, port } => Some(Endpoint::new(&host, port)),
        Place::Socket(_) => None,
    };
    match target.target.kind.as_str() {
        http::KIND => http::endpoint(target.address.as_deref()?),
        mysql::KIND => place(Address::read(target, mysql::FORM).ok()?),
        postgresql::KIND => place(Address::read(target, postgresql::FORM).ok()?),
        _ => None,
    }
}

/// The server at an address that a policy names, within its grant.
pub(crate) fn of_address(address: &str, scope: &Scope) -> Option<Endpoint> {
    certificate::endpoint(address, scope)
}
