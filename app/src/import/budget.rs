//! The memory of all pictures that are being decoded in this process.
//!
//! A decoder asks for what it needs at its peak before it allocates. What does not fit beside the others waits
//! for them; what never fits is refused. The share is given back with the picture.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use limn_engine::device::memory;

use super::error::Error;

/// Of all decoders together. A picture of the greatest size takes 1 GiB as Limn works on it.
const LIMIT_BYTES: u64 = (1 << 30) + (256 << 20);
/// Free memory is asked for anew that often while a picture waits.
const PATIENCE: Duration = Duration::from_millis(200);

/// A number of bytes that decoders share.
#[derive(Debug)]
pub struct Budget {
    limit_bytes: u64,
    used_bytes: Mutex<u64>,
    given_back: Condvar,
}

/// The budget of this process.
static ALL: Budget = Budget::new(LIMIT_BYTES);

/// Bytes that nobody else may take until this is dropped.
#[derive(Debug)]
pub struct Share {
    budget: &'static Budget,
    bytes: u64,
}

/// How many bytes there are instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refused {
    /// For any picture.
    Limit(u64),
    /// On this machine now.
    Free(u64),
}

impl Drop for Share {
    fn drop(&mut self) {
        *self.budget.used() -= self.bytes;
        self.budget.given_back.notify_all();
    }
}

impl Budget {
    pub const fn new(limit_bytes: u64) -> Self {
        Self {
            limit_bytes,
            used_bytes: Mutex::new(0),
            given_back: Condvar::new(),
        }
    }

    fn used(&self) -> std::sync::MutexGuard<'_, u64> {
        // A number is whole even if a thread died beside it.
        self.used_bytes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `bytes` fit beside what others have taken, and into what the machine has free.
    ///
    /// # Errors
    /// Where they can never fit.
    fn take(&'static self, bytes: u64, free_bytes: &dyn Fn() -> u64) -> Result<Share, Refused> {
        if bytes > self.limit_bytes {
            return Err(Refused::Limit(self.limit_bytes));
        }
        let mut used = self.used();
        loop {
            let free = free_bytes();
            if *used + bytes <= self.limit_bytes && bytes <= free {
                *used += bytes;
                return Ok(Share {
                    budget: self,
                    bytes,
                });
            }
            if *used == 0 {
                return Err(Refused::Free(free));
            }
            let waited = self.given_back.wait_timeout(used, PATIENCE);
            used = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// What one picture may take. A decoder asks it once, before it allocates.
pub struct Room {
    source: Source,
    share: Option<Share>,
    /// What the caller holds beside the picture: its file.
    beside_bytes: u64,
}

enum Source {
    /// The budget of all, and no more than these bytes.
    Shared {
        budget: &'static Budget,
        most_bytes: Option<u64>,
    },
    /// What was taken for a whole file already; parts of it are decoded one by one.
    Taken { left_bytes: u64 },
}

impl Room {
    /// `most_bytes` is what the caller allows; `None` for all that is free.
    pub fn shared(most_bytes: Option<u64>) -> Self {
        Self {
            source: Source::Shared {
                budget: &ALL,
                most_bytes,
            },
            share: None,
            beside_bytes: 0,
        }
    }

    /// Counts what the caller holds meanwhile.
    pub fn beside(self, bytes: u64) -> Self {
        Self {
            beside_bytes: bytes,
            ..self
        }
    }

    /// For the parts of a file whose memory was taken as a whole.
    pub fn taken(bytes: u64) -> Self {
        Self {
            source: Source::Taken { left_bytes: bytes },
            share: None,
            beside_bytes: 0,
        }
    }

    /// Takes `bytes` for a picture of that size.
    ///
    /// # Errors
    /// [`Error::TooHeavy`] or [`Error::OutOfMemory`] where they are not there.
    pub fn take(&mut self, (width, height): (u32, u32), bytes: u64) -> Result<(), Error> {
        let bytes = bytes + self.beside_bytes;
        let refused = |refused| match refused {
            Refused::Limit(limit_bytes) => Error::TooHeavy {
                width,
                height,
                needed_bytes: bytes,
                limit_bytes,
            },
            Refused::Free(free_bytes) => Error::OutOfMemory {
                width,
                height,
                needed_bytes: bytes,
                free_bytes,
            },
        };
        match &mut self.source {
            Source::Shared { budget, most_bytes } => {
                let most_bytes = *most_bytes;
                let free = || {
                    let free = memory::available_ram_bytes();
                    most_bytes.or(free).unwrap_or(u64::MAX)
                };
                // Never while holding another: two that wait for each other would wait for ever.
                self.share = None;
                self.share = Some(budget.take(bytes, &free).map_err(refused)?);
            }
            Source::Taken { left_bytes } => {
                *left_bytes = left_bytes
                    .checked_sub(bytes)
                    .ok_or_else(|| refused(Refused::Limit(*left_bytes)))?;
            }
        }
        Ok(())
    }

    pub fn into_share(self) -> Option<Share> {
        self.share
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn what_does_not_fit_waits_and_what_never_fits_is_refused() {
        static BUDGET: Budget = Budget::new(100);
        let refused = |bytes, free| BUDGET.take(bytes, &|| free).unwrap_err();
        assert_eq!(refused(101, u64::MAX), Refused::Limit(100));
        assert_eq!(refused(60, 50), Refused::Free(50));

        let (now, most) = (AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for _ in 0..12 {
                scope.spawn(|| {
                    let share = BUDGET.take(40, &|| u64::MAX).unwrap();
                    let together = now.fetch_add(40, Ordering::SeqCst) + 40;
                    most.fetch_max(together, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(5));
                    now.fetch_sub(40, Ordering::SeqCst);
                    drop(share);
                });
            }
        });
        assert_eq!(most.into_inner(), 80);
        assert_eq!(*BUDGET.used(), 0);
    }

    #[test]
    fn waits_for_others_where_the_machine_is_full() {
        static BUDGET: Budget = Budget::new(100);
        let held = BUDGET.take(40, &|| u64::MAX).unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                let asked = AtomicU64::new(0);
                BUDGET
                    .take(60, &|| match asked.fetch_add(1, Ordering::SeqCst) {
                        0 => 30,
                        _ => 70,
                    })
                    .is_ok()
            });
            std::thread::sleep(Duration::from_millis(20));
            drop(held);
            assert!(waiting.join().unwrap());
        });
    }

    #[test]
    fn parts_of_a_file_share_what_was_taken_for_it() {
        let mut room = Room::taken(100);
        room.take((1, 1), 60).unwrap();
        assert!(matches!(
            room.take((1, 1), 60),
            Err(Error::TooHeavy {
                limit_bytes: 40,
                ..
            })
        ));
    }
}
