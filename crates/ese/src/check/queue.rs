//! Work that gives rise to more work, shared by several threads.
//!
//! The last piece put in is the first taken out: a tree is gone through depth first, and the
//! queue stays as short as the tree is high times a page's nodes.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::Error;

/// A stack of tasks.
#[derive(Debug)]
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<T> {
    tasks: Vec<T>,
    /// Tasks that were taken and are not done yet: each may put in more.
    running: usize,
    error: Option<Error>,
}

impl<T: Send> Queue<T> {
    /// A queue of `tasks`, of which the first is taken first.
    pub(super) fn new(mut tasks: Vec<T>) -> Self {
        tasks.reverse();
        let state = State { tasks, running: 0, error: None };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Works with `threads` threads until nothing is left, or one failed: then with its error.
    ///
    /// `work` does a task and puts what follows from it into the vector, in order.
    pub(super) fn run<W>(
        self,
        threads: usize,
        worker: impl Fn() -> W + Sync,
        work: impl Fn(&mut W, T, &mut Vec<T>) -> Result<(), Error> + Sync,
    ) -> Result<(), Error> {
        std::thread::scope(|scope| {
            for _ in 1..threads {
                scope.spawn(|| self.work(worker(), &work));
            }
            self.work(worker(), &work);
        });
        match self.state.into_inner().unwrap_or_else(PoisonError::into_inner).error {
            None => Ok(()),
            Some(error) => Err(error),
        }
    }

    fn work<W>(
        &self,
        mut worker: W,
        work: &(impl Fn(&mut W, T, &mut Vec<T>) -> Result<(), Error> + Sync),
    ) {
        let mut more = Vec::new();
        while let Some(task) = self.take() {
            // Should the task panic, the others must not wait for it.
            let running = Running(self);
            let result = work(&mut worker, task, &mut more);
            let mut state = self.lock();
            if let Err(error) = result {
                state.tasks.clear();
                more.clear();
                state.error.get_or_insert(error);
            } else if state.error.is_none() {
                state.tasks.extend(more.drain(..).rev());
            }
            drop(state);
            drop(running);
        }
    }

    /// The next task; waits for those that run, and ends when none is left.
    fn take(&self) -> Option<T> {
        let mut state = self.lock();
        loop {
            if let Some(task) = state.tasks.pop() {
                state.running += 1;
                return Some(task);
            }
            if state.running == 0 {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A task that runs.
struct Running<'a, T: Send>(&'a Queue<T>);

impl<T: Send> Drop for Running<'_, T> {
    fn drop(&mut self) {
        self.0.lock().running -= 1;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn every_task_is_done_once_by_any_number_of_threads() {
        for threads in [1, 2, 7] {
            let sum = AtomicU64::new(0);
            let queue = Queue::new(vec![12_u64, 13]);
            let result = queue.run(
                threads,
                || (),
                |(), task, more| {
                    sum.fetch_add(1, Ordering::Relaxed);
                    more.extend((0..2).map(|_| task - 1).filter(|&task| task > 0));
                    Ok(())
                },
            );
            result.unwrap();
            assert_eq!(sum.into_inner(), (1 << 12) - 1 + (1 << 13) - 1);
        }
    }

    #[test]
    fn an_error_ends_the_work() {
        let done = AtomicU64::new(0);
        let queue = Queue::new((0..1000).collect());
        let result = queue.run(
            2,
            || (),
            |(), task: i32, _| {
                done.fetch_add(1, Ordering::Relaxed);
                if task >= 10 { Err(Error::Cancelled) } else { Ok(()) }
            },
        );
        assert!(matches!(result, Err(Error::Cancelled)));
        assert!(done.into_inner() < 100);
    }
}
