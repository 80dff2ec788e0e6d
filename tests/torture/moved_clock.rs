//! A library to be loaded before the system's: each time that it is asked, the clock of the day has moved by years, back and
//! forth. Compiled by `surroundings`; not part of any test itself.

use std::{
    ffi::{c_int, c_long},
    sync::atomic::{AtomicI64, Ordering},
};

#[repr(C)]
pub struct Moment {
    seconds: i64,
    nanoseconds: c_long,
}

unsafe extern "C" {
    fn syscall(number: c_long, ...) -> c_long;
}

/// Of Linux on x86-64.
const CLOCK_GETTIME: c_long = 228;
const CLOCK_OF_THE_DAY: c_int = 0;
const YEAR: i64 = 31_556_952;

static ASKED: AtomicI64 = AtomicI64::new(0);

#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(clock: c_int, moment: *mut Moment) -> c_int {
    let answer = unsafe { syscall(CLOCK_GETTIME, clock, moment) } as c_int;
    if answer == 0 && clock == CLOCK_OF_THE_DAY {
        let asked = ASKED.fetch_add(1, Ordering::Relaxed);
        unsafe { (*moment).seconds += (asked % 7 - 3) * 10 * YEAR };
    }
    answer
}
