{{- /* One rule of egress: a dict of rule (ports, to) and perhaps protocols. */}}
{{- define "wrktalk.network.rule" -}}
- ports:
    {{- range $protocol := .protocols | default (list "TCP") }}
    {{- range $.rule.ports }}
    - {protocol: {{ $protocol }}, port: {{ . }}}
    {{- end }}
    {{- end }}
  {{- with .rule.to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
