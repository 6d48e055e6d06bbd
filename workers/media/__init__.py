"""Music and stories: request → track or sentences."""
