-- Whether a window is open, or v4.2's flag is set.
(EXISTS (SELECT FROM maintenance_window_now WHERE ends_at IS NULL OR ends_at > now())
    OR EXISTS (SELECT FROM deployment_config WHERE maintenance_mode_enabled))
