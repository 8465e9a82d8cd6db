"""What every other room needs: dtypes, devices, random generators, errors, argument forms."""
