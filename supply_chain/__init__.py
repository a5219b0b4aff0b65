"""What others have to trust to run this: an audit of the packages in the lock, and a bill of materials of a wheel."""
