// name: evidence
// topic: Genes of a drug
// about: Evidence for a drug–gene pair: attention, effect on response, known target, targets of similar drugs, genes like its targets.
// param drug: drug, name, alias or id
// param gene: gene, HGNC symbol
// param run: run, run id; default the promoted run
// columns: evidence string, detail string, value float
MATCH (d:Drug {id: $drug})-[a:ATTENDS]->(g:Gene {id: $gene})
WHERE a.run_id = $run AND a.objective = 'target'
RETURN 'attention as target, excess' AS evidence, d.name AS detail, a.excess AS value
UNION
MATCH (d:Drug {id: $drug})-[a:ATTENDS]->(g:Gene {id: $gene})
WHERE a.run_id = $run AND a.objective = 'response'
RETURN 'decides response, effect' AS evidence, a.feature AS detail, a.effect AS value
UNION
MATCH (d:Drug {id: $drug})-[t:TARGETS]->(g:Gene {id: $gene})
RETURN 'known target' AS evidence, coalesce(t.action, t.source, 'listed') AS detail, 1.0 AS value
UNION
MATCH (d:Drug {id: $drug})-[s:SIMILAR_TO]-(o:Drug)-[:TARGETS]->(g:Gene {id: $gene})
RETURN 'similar drug with this target' AS evidence, o.name AS detail, s.similarity AS value
UNION
MATCH (d:Drug {id: $drug})-[:TARGETS]->(o:Gene)-[:INTERACTS_WITH]-(g:Gene {id: $gene})
RETURN 'interacts with its target' AS evidence, o.id AS detail, 1.0 AS value
UNION
MATCH (d:Drug {id: $drug})-[:TARGETS]->(o:Gene)-[h:HOMOLOGOUS]-(g:Gene {id: $gene})
RETURN 'alike in sequence to its target' AS evidence, o.id AS detail, h.identity AS value
