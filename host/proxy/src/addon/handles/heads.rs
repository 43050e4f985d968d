//! What the heads of a component's messages are charged.

use std::sync::Arc;

use super::HANDLE;
use crate::addon::{
    edit::{HeadSize, Room},
    memory::{Account, Charge, OutOfMemory},
};

/// A handle, and the head behind it as far as that is the component's.
pub(super) struct HeadCharge {
    charge: Charge,
    /// What is charged beside the head.
    base: usize,
    /// The size of the head once it is the component's.
    size: Option<HeadSize>,
}

impl HeadCharge {
    /// Of a head that is somebody else's, with `held` bytes of something that is not.
    pub(super) fn lent(account: &Arc<Account>, held: usize) -> Result<Self, OutOfMemory> {
        let base = HANDLE.saturating_add(held);
        Ok(Self { charge: Charge::new(account, base)?, base, size: None })
    }

    /// Of a head that is kept for the component, with `held` bytes of something else.
    pub(super) fn owned(account: &Arc<Account>, size: HeadSize, held: usize) -> Result<Self, OutOfMemory> {
        let base = HANDLE.saturating_add(held);
        let charge = Charge::new(account, base.saturating_add(size.memory()))?;
        Ok(Self { charge, base, size: Some(size) })
    }

    /// Room for changes to the head, which is the component's from the first one on.
    pub(super) fn room(&mut self, measure: impl FnOnce() -> HeadSize) -> Result<Room<'_>, OutOfMemory> {
        if self.size.is_none() {
            let size = measure();
            self.charge.set(self.base.saturating_add(size.memory()))?;
            self.size = Some(size);
        }
        Ok(Room::new(self.size.get_or_insert(HeadSize::ZERO), &mut self.charge, self.base))
    }
}
