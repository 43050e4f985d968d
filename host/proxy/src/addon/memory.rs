//! The memory of an instance: its own, and what the host holds for it.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError, Weak,
    atomic::{AtomicUsize, Ordering},
};

use wasmtime::ResourceLimiter;

/// Table elements of one instance; a function table of a large program has some ten thousand.
const TABLE_ELEMENTS: usize = 100_000;

/// An instance wants more memory than it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("out of memory")]
pub struct OutOfMemory;

/// What an instance or an addon may have, and what it has.
#[derive(Debug)]
pub struct Account {
    limit: usize,
    used: AtomicUsize,
}

impl Account {
    /// One of which so many bytes may be taken.
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, used: AtomicUsize::new(0) })
    }

    fn take(&self, bytes: usize) -> Result<(), OutOfMemory> {
        let fits = |used: usize| used.checked_add(bytes).filter(|&used| used <= self.limit);
        let taken = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits);
        taken.map(drop).map_err(|_| OutOfMemory)
    }

    fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// How much more it may have.
    pub fn room(&self) -> usize {
        self.limit.saturating_sub(self.used())
    }
}

/// The accounts of an addon's instances.
#[derive(Debug, Default)]
pub struct Accounts(Mutex<Vec<Weak<Account>>>);

impl Accounts {
    /// Adds that of a fresh instance. It is in here as long as there is something on it.
    pub fn add(&self, account: &Arc<Account>) {
        let mut accounts = self.lock();
        accounts.retain(|account| account.strong_count() > 0);
        accounts.push(Arc::downgrade(account));
    }

    /// How many instances there are, and how much memory they have together.
    pub fn sum(&self) -> (usize, usize) {
        let accounts = self.lock();
        let used = accounts.iter().filter_map(Weak::upgrade).map(|account| account.used());
        used.fold((0, 0), |(instances, bytes), used| (instances + 1, bytes + used))
    }

    /// Nothing panics while it is held.
    fn lock(&self) -> MutexGuard<'_, Vec<Weak<Account>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts the memory of one instance.
#[derive(Debug)]
pub struct MemoryMeter {
    account: Arc<Account>,
    settled: usize,
    /// Whether the component was refused memory of its own: says why it trapped soon after.
    pub exhausted: bool,
}

impl MemoryMeter {
    /// A meter that stops at a number of bytes.
    pub fn new(limit: usize) -> Self {
        Self { account: Account::new(limit), settled: 0, exhausted: false }
    }

    /// What is charged for what the host holds.
    pub fn account(&self) -> &Arc<Account> {
        &self.account
    }

    /// Takes what is used now as what the component needs to exist.
    pub fn settle(&mut self) {
        self.settled = self.account.used();
    }

    /// Whether the component has grown by half of what it may grow.
    pub fn is_high(&self) -> bool {
        self.account.used() > self.settled + (self.account.limit - self.settled) / 2
    }
}

impl ResourceLimiter for MemoryMeter {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let grown = self.account.take(desired.saturating_sub(current));
        self.exhausted |= grown.is_err();
        Ok(grown.is_ok())
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS)
    }
}

/// Memory that the host holds for an instance. It is the instance's until this is dropped.
#[derive(Debug)]
pub struct Charge {
    account: Arc<Account>,
    bytes: usize,
}

impl Charge {
    /// Charges for so many bytes.
    ///
    /// # Errors
    /// When the instance may not have them.
    pub fn new(account: &Arc<Account>, bytes: usize) -> Result<Self, OutOfMemory> {
        account.take(bytes)?;
        Ok(Self { account: account.clone(), bytes })
    }

    /// Charges for so many bytes from now on.
    ///
    /// # Errors
    /// When the instance may not have them. The charge is as before then.
    pub fn set(&mut self, bytes: usize) -> Result<(), OutOfMemory> {
        if bytes > self.bytes {
            self.account.take(bytes - self.bytes)?;
        } else {
            self.account.give_back(self.bytes - bytes);
        }
        self.bytes = bytes;
        Ok(())
    }

    /// Charges for so many bytes more.
    ///
    /// # Errors
    /// When the instance may not have them. The charge is as before then.
    pub fn raise_by(&mut self, bytes: usize) -> Result<(), OutOfMemory> {
        self.set(self.bytes.saturating_add(bytes))
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.account.give_back(self.bytes);
    }
}

/// A charge for something that several handles hold together.
#[derive(Clone, Debug)]
pub struct SharedCharge(Arc<Mutex<Charge>>);

impl SharedCharge {
    /// Charges for so many bytes, once for all who share them.
    ///
    /// # Errors
    /// When the instance may not have them.
    pub fn new(account: &Arc<Account>, bytes: usize) -> Result<Self, OutOfMemory> {
        Ok(Self(Arc::new(Mutex::new(Charge::new(account, bytes)?))))
    }

    /// Charges for so many bytes, unless more are charged already.
    ///
    /// # Errors
    /// When the instance may not have them. The charge is as before then.
    pub fn raise(&self, bytes: usize) -> Result<(), OutOfMemory> {
        let mut charge = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if bytes > charge.bytes { charge.set(bytes) } else { Ok(()) }
    }

    /// The most bytes that [`SharedCharge::raise`] would allow.
    pub fn most(&self) -> usize {
        let charge = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        charge.account.room().saturating_add(charge.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_host_holds_counts_with_the_components_own_memory() {
        let mut meter = MemoryMeter::new(100);
        assert!(meter.memory_growing(0, 40, None).expect("an answer"));
        let charge = Charge::new(meter.account(), 50).expect("there is room");
        assert!(!meter.memory_growing(40, 60, None).expect("an answer"));
        assert_eq!(Charge::new(meter.account(), 11).expect_err("there is no room"), OutOfMemory);
        assert!(meter.exhausted && meter.is_high());
        drop(charge);
        assert_eq!(meter.account().room(), 60);
        assert!(!meter.is_high());
    }

    #[test]
    fn a_charge_that_may_not_grow_stays_as_it_was() {
        let meter = MemoryMeter::new(100);
        let mut charge = Charge::new(meter.account(), 50).expect("there is room");
        assert_eq!(charge.set(101), Err(OutOfMemory));
        assert_eq!(charge.set(usize::MAX), Err(OutOfMemory));
        assert_eq!(meter.account().room(), 50);
        charge.set(100).expect("there is room");
        charge.set(10).expect("less is always possible");
        assert_eq!(meter.account().room(), 90);
    }

    #[test]
    fn what_is_shared_is_charged_once_until_nobody_has_it() {
        let meter = MemoryMeter::new(100);
        let one = SharedCharge::new(meter.account(), 0).expect("there is room");
        let other = one.clone();
        one.raise(60).expect("there is room");
        other.raise(60).expect("it is charged already");
        assert_eq!((meter.account().room(), other.most()), (40, 100));
        drop(one);
        assert_eq!(meter.account().room(), 40);
        drop(other);
        assert_eq!(meter.account().room(), 100);
    }
}
