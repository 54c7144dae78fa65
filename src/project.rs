//! Finding the project's folder and reading its files.
